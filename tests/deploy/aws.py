"""AWS for deployments: moto's server, what it lacks, and faults at any call.

SAM templates are translated by AWS's own translator. What moto's CloudFormation cannot make is left
out of the stack; of it, versions and the alias `live` are made through moto's Lambda, and outputs
are computed. An invocation runs the handler that is in the version's zip, in this process.
"""

import io
import json
import os
import signal
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode

import yaml
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

from tests.deploy.traffic import REGION, Published, Shift, Traffic
from tests.template import translating
from tests.template.conftest import PYTHON
from tests.template.reading import parse
from tests.template.resolving import Resolver, without_types
from tests.template.test_privileges import LACKING_IN_MOTO

LACKING = LACKING_IN_MOTO | {
    "AWS::ApiGateway::ApiKey",
    "AWS::Lambda::Version",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
}
ENDPOINT = "https://my-api.execute-api.us-east-1.amazonaws.com"
Kind = Literal["500", "drop before", "drop after", "kill"]


@cache
def translated(template: str, revision: str) -> dict[str, Any]:
    document = parse(template)
    defaults = {name: item.get("Default", "x") for name, item in document["Parameters"].items()}
    job = {"template": document, "parameters": defaults | {"Revision": revision}}
    done = subprocess.run(
        [PYTHON, Path(translating.__file__)],
        input=json.dumps([job]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    return dict(result)


class Aws(Traffic):
    """A WSGI application in front of moto's."""

    def __init__(self, moto: Any) -> None:
        self._moto = moto
        self.reset()

    def reset(self) -> None:
        super().reset()
        self._drafts: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {}
        self.calls: list[str] = []
        self.fault: tuple[Kind, int] | None = None
        """What happens at and after the call of this number, counted from the first."""
        self.pid = 0
        self.answered: set[str] = set()
        """Versions that answered an invocation with 200."""
        self.begins_after = 0
        """How many calls after its ExecuteChangeSet a change begins (and ends)."""
        self.drafts_for = 0
        """How many looks at a change set find it still being made."""
        self._begins: list[Callable[[], object]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api"):
            return list(self._moto(environ, start_response))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        form = (
            dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
            if b"Action=" in body[:200]
            else {}
        )
        self.calls.append(
            form.get("Action") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        )
        kind, at = self.fault or ("", 0)
        is_due = bool(kind) and len(self.calls) >= at
        if is_due and kind == "500":
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        if is_due and (kind == "drop before" or len(self.calls) > at):
            return _drop(environ, start_response)
        answer = self._answer(environ, form, body, start_response)
        if is_due and kind == "kill":
            os.kill(self.pid, signal.SIGKILL)
            return _drop(environ, start_response)
        return _drop(environ, start_response) if is_due else answer

    def _answer(
        self, environ: dict[str, Any], form: dict[str, str], body: bytes, start_response: Any
    ) -> Iterable[bytes]:
        action = form.get("Action", "")
        if environ["PATH_INFO"].endswith("/invocations"):
            return self._invoke(environ, body, start_response)
        if action == "CreateChangeSet":
            form = self._translate(form)
            body = urlencode(form).encode()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        self._begin_what_is_due()
        if action == "ExecuteChangeSet" and self.begins_after:
            return self._execute_later(environ, form["ChangeSetName"], start_response)
        if action in ("DescribeChangeSet", "DeleteChangeSet") and self.drafts_for:
            return self._drafting(action, environ, start_response)
        if action == "DescribeStackEvents" and self._shift:
            self._end_shift(self._shift)
        if action in ("GetTemplate", "GetTemplateSummary"):
            stack = self.stack(form["StackName"])
            kept, stack.template = stack.template, self.stacks[stack.stack_id].template
            try:
                return list(self._moto(environ, start_response))
            finally:
                stack.template = kept
        if action == "ExecuteChangeSet":
            return self._execute(environ, form["ChangeSetName"], start_response)
        return list(self._moto(environ, start_response))

    def _execute(
        self, environ: dict[str, Any], change_set: str, start_response: Any
    ) -> Iterable[bytes]:
        self._forget_what_is_gone(change_set)
        answer = list(self._moto(environ, start_response))
        self._executed(change_set)
        return answer

    def _execute_later(
        self, environ: dict[str, Any], change_set: str, start_response: Any
    ) -> Iterable[bytes]:
        environ = {**environ, "wsgi.input": io.BytesIO(environ["wsgi.input"].read())}

        begin = partial(self._execute, environ, change_set, lambda *_: None)
        self._begins = [lambda: None] * self.begins_after + [begin]
        answer = b"<ExecuteChangeSetResponse><ExecuteChangeSetResult/></ExecuteChangeSetResponse>"
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def _begin_what_is_due(self) -> None:
        if self._begins:
            self._begins.pop(0)()

    def _drafting(
        self, action: str, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        made = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].change_sets.values()
        if action == "DeleteChangeSet":
            start_response("400 Bad Request", [("Content-Type", "text/xml")])
            return [
                _REFUSED.format("Cannot delete ChangeSet in status CREATE_IN_PROGRESS").encode()
            ]
        self.drafts_for -= 1
        for change_set in made:
            change_set.status, change_set.execution_status = "CREATE_IN_PROGRESS", "UNAVAILABLE"
        try:
            return list(self._moto(environ, start_response))
        finally:
            for change_set in made:
                change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"

    def _translate(self, form: dict[str, str]) -> dict[str, str]:
        values = {
            form[key]: form.get(key.replace("Key", "Value"), "")
            for key in form
            if key.startswith("Parameters.member") and key.endswith("ParameterKey")
        }
        text = form["TemplateBody"]
        if "Revision" not in values:
            return form  # none of packager's
        document = translated(text, values["Revision"])
        resolver = Resolver(document, values)
        assert not resolver.refusals()
        resolved = resolver.resolved()
        self._drafts[form["ChangeSetName"]] = (text, resolved, resolver.parameters)
        made = without_types(resolved, LACKING)
        made["Outputs"] = {}
        function = made["Resources"]["ModelFunction"]
        # moto finds no layer under the name that it makes of a reference to one.
        without = {k: v for k, v in function["Properties"].items() if k != "Layers"}
        made["Resources"]["ModelFunction"] = function | {"Properties": without}
        # AWS tells parameters as texts; moto would tell numbers, and lists in brackets.
        made["Parameters"] = {k: v | {"Type": "String"} for k, v in made["Parameters"].items()}
        backend = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION]
        if form["ChangeSetType"] == "CREATE":  # moto would make a second stack of this name
            for stack in list(backend.stacks.values()):
                if stack.name == form["StackName"] and stack.status == "REVIEW_IN_PROGRESS":
                    del backend.stacks[stack.stack_id]
        return form | {"TemplateBody": json.dumps(made)}

    def _forget_what_is_gone(self, change_set_id: str) -> None:
        """Let moto make again what was taken out before: it keeps that as if it were there."""
        backend = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION]
        made = backend.stacks[backend.change_sets[change_set_id].stack_id].resource_map
        for name, resource in list(made._parsed_resources.items()):
            if hasattr(resource, "physical_resource_id") and name not in made._resource_json_map:
                del made._parsed_resources[name]

    def _executed(self, change_set_id: str) -> None:
        backend = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION]
        change_set = backend.change_sets[change_set_id]
        stack = backend.stacks[change_set.stack_id]
        before = stack.parameters
        stack.parameters = change_set.parameters  # moto compares with those of the creation
        text, template, parameters = self._drafts[change_set.change_set_name]
        known = self.stacks.setdefault(stack.stack_id, Published())
        known.template = text
        name = known.function_name = self._made_function(stack)
        (version_name,) = [
            key for key, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Version"
        ]
        function = template["Resources"]["ModelFunction"]["Properties"]
        own = _filled(
            {k: v for k, v in function.items() if k != "ReservedConcurrentExecutions"}, parameters
        )
        if version_name != known.version_name:
            # Lambda publishes nothing when nothing is new, and CloudFormation then fails.
            assert own != known.function, "a version of the same"
            known.version = str(self._functions.publish_version(name).version)
            known.version_name, known.function = version_name, own
            known.code[known.version] = _stored(function["Code"])
        live = parameters["LiveVersion"]
        policy = template["Resources"].get("LiveAlias", {}).get("UpdatePolicy", {})
        aliases = self._aliases(name)
        if "CodeDeployLambdaAliasUpdate" in policy and "live" in aliases:
            if aliases["live"].function_version != live:
                self._begin_shift(Shift(stack, name, live, before))
        elif live != "none":
            self._move(name, live)
        outputs = {
            "FunctionName": name,
            "NewestVersion": known.version,
            "LogGroup": f"/aws/lambda/{stack.name}",
            **({"Endpoint": ENDPOINT} if live != "none" else {}),
            **self._layer_output(),
        }
        stack.template_dict = {"Outputs": {k: {"Value": v} for k, v in outputs.items()}}
        stack.output_map = stack._create_output_map()

    def _invoke(self, environ: dict[str, Any], body: bytes, start_response: Any) -> Iterable[bytes]:
        (version,) = parse_qs(environ["QUERY_STRING"])["Qualifier"]
        name = unquote(environ["PATH_INFO"].split("/")[-2])
        if version == "live":
            version = self._aliases(name)["live"].function_version
        (known,) = [item for item in self.stacks.values() if name == item.function_name]
        answer = self._answer_of(known, version, json.loads(body))
        if answer.get("statusCode") == 200:
            self.answered.add(version)
        payload = json.dumps(answer).encode()
        start_response("200 OK", [("Content-Length", str(len(payload)))])
        return [payload]

    def _answer_of(self, known: Published, version: str, event: dict[str, Any]) -> dict[str, Any]:
        with zipfile.ZipFile(io.BytesIO(known.code[version])) as archive:
            source = archive.read("handler/main.py")
        module: dict[str, Any] = {}
        exec(source, module)
        answer: dict[str, Any] = module["handler"](event, None)
        return answer


_REFUSED = """<ErrorResponse><Error><Code>InvalidChangeSetStatus</Code><Message>{}</Message></Error>
</ErrorResponse>"""


def _filled(node: Any, parameters: dict[str, str]) -> Any:
    """Return what Lambda would be given, with the values of the parameters."""
    text = json.dumps(node)
    for name, value in parameters.items():
        text = text.replace(json.dumps({"Ref": name}), json.dumps(value))
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


def _stored(code: dict[str, str]) -> bytes:
    from moto.s3.models import s3_backends

    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(code["S3Bucket"], code["S3Key"])
    assert found is not None
    return bytes(found.value)


def _drop(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    start_response("200 OK", [])  # which nobody hears
    return []


_AnyAws = TypeVar("_AnyAws", bound=Aws)


@contextmanager
def aws(kind: type[_AnyAws]) -> Iterator[tuple[str, _AnyAws]]:
    """Run it in this process, on a free port; yield its address and itself."""
    # moto reads each template several times, and with the slow one it is most of a deployment.
    yaml.add_multi_constructor("", yaml_tag_constructor, Loader=yaml.CLoader)
    slow, yaml.Loader = yaml.Loader, yaml.CLoader  # type: ignore[misc,assignment]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        running: Any = server._server
        running.app = relay = kind(running.app)
        yield f"http://{host}:{port}", relay
    finally:
        server.stop()
        yaml.Loader = slow  # type: ignore[misc]
