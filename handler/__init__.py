"""The part of Packager that ships in the zip and runs on Lambda."""
