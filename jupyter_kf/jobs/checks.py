"""Jobs room: what is wrong with a job's manifest, each finding with the field, the reason and what to do.

An *error* is what cannot run anywhere, whether or not the operator's webhook lets it pass; a *warning* is what runs,
but not as most people expect. Codes are listed in ``docs/jobs.md``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_kf.jobs.quantities import quantity
from jupyter_kf.model.job import FRAMEWORKS, CleanPodPolicy, Framework, JobKind, RestartPolicy, SuccessPolicy

#: A DNS label as names of Services need it (RFC 1035), and its greatest length.
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_LENGTH = 63
#: More replicas of one type than that are a mistake; each one's configuration names all.
_MOST = 10_000
_MANAGERS = ("kubeflow.org/training-operator", "kueue.x-k8s.io/multikueue")
_RUN_POLICY_NUMBERS = ("ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit")
_RUN_POLICY = {"cleanPodPolicy", *_RUN_POLICY_NUMBERS, "schedulingPolicy", "suspend", "managedBy"}
_SCHEDULING = {"minAvailable", "queue", "minResources", "priorityClass", "scheduleTimeoutSeconds"}
_ELASTIC_NUMBERS = ("minReplicas", "maxReplicas", "maxRestarts", "nProcPerNode", "rdzvPort")
_ELASTIC = {*_ELASTIC_NUMBERS, "rdzvBackend", "rdzvHost", "rdzvId", "rdzvConf", "standalone", "metrics"}
_OWN_FIELDS: Mapping[JobKind, frozenset[str]] = {
    JobKind.TF: frozenset({"successPolicy", "enableDynamicWorker"}),
    JobKind.PYTORCH: frozenset({"elasticPolicy", "nprocPerNode"}),
    JobKind.MPI: frozenset(
        {"slotsPerWorker", "cleanPodPolicy", "mainContainer", "sshAuthMountPath", "launcherCreationPolicy"}
        | {"mpiImplementation", "runLauncherAsWorker"}
    ),
}
_API_VERSIONS: Mapping[JobKind, tuple[str, ...]] = {JobKind.MPI: ("kubeflow.org/v1", "kubeflow.org/v2beta1")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a manifest. ``field`` is a path such as ``spec.tfReplicaSpecs[PS].replicas``."""

    field: str
    code: str
    message: str
    fix: str

    def to_dict(self) -> dict[str, str]:
        """Return the object that ``job check --json`` prints."""
        return {"field": self.field, "code": self.code, "message": self.message, "fix": self.fix}


def errors_of(manifest: Any) -> list[Finding]:
    """Return why a job cannot run, in the order of the manifest; empty where nothing is in the way."""
    return list(_errors(manifest))


def _errors(manifest: Any) -> Iterator[Finding]:
    if not isinstance(manifest, Mapping):
        yield Finding("", "KF901", "The document is no mapping.", "A job begins with `apiVersion:` and `kind:`.")
        return
    framework = _framework(manifest)
    if isinstance(framework, Finding):
        yield framework
        return
    versions = _API_VERSIONS.get(framework.kind, ("kubeflow.org/v1",))
    if manifest.get("apiVersion") not in versions:
        fix = f"Write `apiVersion: {versions[0]}`."
        yield Finding("apiVersion", "KF901", f"{manifest.get('apiVersion')!r} has no {framework.kind}.", fix)
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        yield Finding("spec", "KF903", "The job has no spec.", f"Describe the replicas under spec.{framework.specs}.")
        return
    yield from _name_errors(manifest, framework, spec)
    yield from _replica_errors(framework, spec)
    yield from _policy_errors(framework, spec)


def _framework(manifest: Mapping[str, Any]) -> Framework | Finding:
    kind = manifest.get("kind")
    known = [kind for kind in JobKind if kind is not JobKind.PLAIN]
    if kind in known:
        return FRAMEWORKS[JobKind(kind)]
    near = difflib.get_close_matches(str(kind), known, 1, 0.6)
    fix = f"Did you mean {near[0]}?" if near else f"The kinds are: {', '.join(known)}."
    return Finding("kind", "KF901", f"{kind!r} is no kind of training job.", fix)


def _name_errors(manifest: Mapping[str, Any], framework: Framework, spec: Mapping[str, Any]) -> Iterator[Finding]:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name:
        yield Finding("metadata.name", "KF902", "The job has no name.", "Write `metadata: {name: my-job}`.")
        return
    if not _LABEL.fullmatch(name) or len(name) > _LABEL_LENGTH:
        rule = "Use at most 63 lower-case letters, digits and dashes, a letter first and no dash last."
        yield Finding("metadata.name", "KF902", f"{name!r} cannot be the name of a service.", rule)
        return
    roles = spec.get(framework.specs)
    longest = 0
    for role, replica in roles.items() if isinstance(roles, Mapping) else ():
        count = replica.get("replicas", 1) if isinstance(replica, Mapping) else 1
        if isinstance(count, int) and count > 0:
            longest = max(longest, len(f"-{role}-{count - 1}"))
    if len(name) + longest > _LABEL_LENGTH:
        message = (
            f"{name!r} has {len(name)} characters; with role and number a replica's name has {len(name) + longest}."
        )
        fix = f"Names of services have at most 63 characters: shorten the job's to {_LABEL_LENGTH - longest}."
        yield Finding("metadata.name", "KF902", message, fix)


def _replica_errors(framework: Framework, spec: Mapping[str, Any]) -> Iterator[Finding]:
    path = f"spec.{framework.specs}"
    specs = spec.get(framework.specs)
    if not isinstance(specs, Mapping) or not specs:
        other = next((f.specs for f in FRAMEWORKS.values() if f.specs in spec), None)
        fix = f"Rename spec.{other}." if other else f"Add {path} with at least one of {', '.join(framework.roles)}."
        yield Finding(path, "KF903", f"A {framework.kind} needs {framework.specs}.", fix)
        return
    seen: dict[str, str] = {}
    counts: dict[str, int] = {}
    for written, replica in specs.items():
        where = f"{path}[{written}]"
        role = role_named(framework, str(written))
        if role is None:
            near = difflib.get_close_matches(str(written).lower(), [r.lower() for r in framework.roles], 1, 0.5)
            roles = ", ".join(framework.roles)
            fix = f"Did you mean {role_named(framework, near[0])}?" if near else f"They are: {roles}."
            yield Finding(where, "KF904", f"A {framework.kind} has no replica type {written!r}.", fix)
            continue
        if role in seen:
            message = f"{seen[role]} and {written} are the same replica type."
            yield Finding(where, "KF904", message, "Keep one of them: letter case makes no difference.")
            continue
        seen[role] = str(written)
        if not isinstance(replica, Mapping):
            yield Finding(where, "KF905", f"{written} is empty.", "Give it replicas and a template, or leave it out.")
            continue
        count = replica.get("replicas", 0 if (framework.kind, role) == (JobKind.MPI, "Worker") else 1)
        counts[role] = count if isinstance(count, int) and 0 <= count <= _MOST else 1
        yield from _count_errors(framework, role, count, f"{where}.replicas")
        if "replicas" not in replica and role == "Master" and framework.kind in {JobKind.PYTORCH, JobKind.XGBOOST}:
            message = f"The operator's webhook refuses a {framework.kind} whose Master leaves its number out."
            yield Finding(f"{where}.replicas", "KF906", message, "Write `replicas: 1`.")
        policy = replica.get("restartPolicy", framework.restart)
        if policy not in {*RestartPolicy, ""}:
            yield _unknown(f"{where}.restartPolicy", "restart policy", policy, [*RestartPolicy])
        yield from _container_errors(framework, replica, where)
    yield from _role_errors(framework, path, seen, counts, spec)


def role_named(framework: Framework, written: str) -> str | None:
    """Return the role that is meant by a word in any letter case, ``None`` where there is none such."""
    return next((role for role in framework.roles if role.lower() == written.lower()), None)


def _count_errors(framework: Framework, role: str, count: object, where: str) -> Iterator[Finding]:
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        message = f"{count!r} is no number of replicas." if count is not None else "The number of replicas is empty."
        yield Finding(where, "KF906", message, "Write a whole number of at least 1, or leave it out for 1.")
        return
    if count > _MOST:
        yield Finding(where, "KF906", f"{count} replicas are more than any cluster runs.", f"Write at most {_MOST}.")
        return
    single = role in {"Chief", "Master", "Launcher"}
    if single and count != 1:
        yield Finding(where, "KF906", f"There must be exactly one {role}, not {count}.", "Write `replicas: 1`.")
    elif framework.kind is JobKind.PYTORCH and count < 1:
        yield Finding(where, "KF906", f"{role} needs at least one replica.", f"Write 1 or more, or leave {role} out.")


def _container_errors(framework: Framework, replica: Mapping[str, Any], where: str) -> Iterator[Finding]:
    path = f"{where}.template.spec.containers"
    template = replica.get("template")
    pod = template.get("spec") if isinstance(template, Mapping) else None
    containers = pod.get("containers") if isinstance(pod, Mapping) else None
    if not isinstance(containers, Sequence) or isinstance(containers, str) or not containers:
        yield Finding(
            path, "KF909", "The replica has no container.", "Give it one with a name, an image and a command."
        )
        return
    names = []
    for i, container in enumerate(containers):
        if not isinstance(container, Mapping):
            yield Finding(f"{path}[{i}]", "KF909", "The container is no mapping.", "Write name, image and command.")
            continue
        names.append(container.get("name"))
        if not container.get("image"):
            message = f"Container {container.get('name') or i} has no image."
            yield Finding(f"{path}[{i}].image", "KF909", message, "Write `image: …`.")
        yield from _resource_errors(container, f"{path}[{i}].resources")
    if framework.kind is not JobKind.MPI and framework.container not in names:
        message = f"No container is named {framework.container!r}: the operator gives its variables to that one only."
        yield Finding(path, "KF909", message, f"Name the container that trains {framework.container!r}.")


def _resource_errors(container: Mapping[str, Any], where: str) -> Iterator[Finding]:
    resources = container.get("resources")
    for part in ("limits", "requests"):
        amounts = resources.get(part) if isinstance(resources, Mapping) else None
        for name, amount in amounts.items() if isinstance(amounts, Mapping) else ():
            try:
                if quantity(amount) < 0:
                    raise ValueError(f"{amount!r} is negative")
            except ValueError as exc:
                yield Finding(f"{where}.{part}.{name}", "KF908", f"{exc}.", "Write an amount such as 500m, 2 or 4Gi.")


def _role_errors(
    framework: Framework, path: str, seen: Mapping[str, str], counts: Mapping[str, int], spec: Mapping[str, Any]
) -> Iterator[Finding]:
    kind = framework.kind
    if kind is JobKind.TF and {"Chief", "Master"} <= seen.keys():
        message = "Chief and Master are two names of the same role."
        yield Finding(path, "KF907", message, f"Keep {seen['Chief']} and remove {seen['Master']}.")
    needed = {JobKind.XGBOOST: "Master", JobKind.MPI: "Launcher"}.get(kind)
    if kind is JobKind.PYTORCH and spec.get("elasticPolicy") is not None:
        needed = "Worker"
    if needed is not None and needed not in seen:
        why = "with an elastic policy " if kind is JobKind.PYTORCH else ""
        yield Finding(f"{path}[{needed}]", "KF913", f"A {kind} {why}needs a {needed}.", f"Add {needed}.")
    elif seen and not any(counts.get(role, 0) > 0 for role in framework.leads):
        leads = " or ".join(framework.leads)
        message = f"No replica leads: without {leads} the job never runs and never succeeds."
        yield Finding(path, "KF913", message, f"Add {framework.leads[-1]} with at least one replica.")


def _policy_errors(framework: Framework, spec: Mapping[str, Any]) -> Iterator[Finding]:
    # MPIJob v1 has a cleanPodPolicy of its own beside that of the run policy
    for where, policy in (("spec", spec), ("spec.runPolicy", spec.get("runPolicy"))):
        if not isinstance(policy, Mapping):
            if policy is not None:
                yield Finding(where, "KF911", "The run policy is no mapping.", "Write it as `name: value` lines.")
            continue
        clean = policy.get("cleanPodPolicy")
        if clean is not None and clean not in {*CleanPodPolicy, ""}:
            yield _unknown(f"{where}.cleanPodPolicy", "clean-up policy", clean, [*CleanPodPolicy])
        for name in _RUN_POLICY_NUMBERS if where != "spec" else ():
            yield from _number_errors(policy.get(name), f"{where}.{name}", 0)
    run_policy = spec.get("runPolicy")
    run_policy = run_policy if isinstance(run_policy, Mapping) else {}
    yield from _flag_errors(run_policy.get("suspend"), "spec.runPolicy.suspend")
    manager = run_policy.get("managedBy")
    if manager is not None and manager not in _MANAGERS:
        yield _unknown("spec.runPolicy.managedBy", "manager", manager, list(_MANAGERS))
    scheduling = run_policy.get("schedulingPolicy")
    if isinstance(scheduling, Mapping):
        for name in ("minAvailable", "scheduleTimeoutSeconds"):
            yield from _number_errors(scheduling.get(name), f"spec.runPolicy.schedulingPolicy.{name}", 0)
    if framework.kind is JobKind.TF:
        success = spec.get("successPolicy")
        if success is not None and success not in {*SuccessPolicy}:
            yield _unknown("spec.successPolicy", "success policy", success, [*SuccessPolicy])
        yield from _flag_errors(spec.get("enableDynamicWorker"), "spec.enableDynamicWorker")
    if framework.kind is JobKind.MPI:
        yield from _number_errors(spec.get("slotsPerWorker"), "spec.slotsPerWorker", 1)
    if framework.kind is JobKind.PYTORCH:
        yield from _elastic_errors(spec)


def _elastic_errors(spec: Mapping[str, Any]) -> Iterator[Finding]:
    elastic = spec.get("elasticPolicy")
    if not isinstance(elastic, Mapping):
        return
    path = "spec.elasticPolicy"
    for name in _ELASTIC_NUMBERS:
        yield from _number_errors(elastic.get(name), f"{path}.{name}", 0 if name == "maxRestarts" else 1)
    low, high = elastic.get("minReplicas"), elastic.get("maxReplicas")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        message = f"minReplicas {low} is greater than maxReplicas {high}."
        yield Finding(f"{path}.minReplicas", "KF914", message, "Write them the other way round.")
    if elastic.get("nProcPerNode") is not None and spec.get("nprocPerNode") is not None:
        message = "nProcPerNode is said twice, here and in spec.nprocPerNode."
        yield Finding(f"{path}.nProcPerNode", "KF914", message, "Keep spec.nprocPerNode.")


def _number_errors(value: object, where: str, least: int) -> Iterator[Finding]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        yield Finding(
            where, "KF911", f"{value!r} is no whole number of at least {least}.", "Correct it or leave it out."
        )


def _flag_errors(value: object, where: str) -> Iterator[Finding]:
    if value is not None and not isinstance(value, bool):
        yield Finding(where, "KF911", f"{value!r} is neither true nor false.", "Write true or false.")


def _unknown(where: str, what: str, value: object, known: Sequence[str]) -> Finding:
    words = [word for word in known if word]
    near = difflib.get_close_matches(str(value).lower(), [word.lower() for word in words], 1, 0.5)
    meant = next((word for word in words if near and word.lower() == near[0]), None)
    fix = f"Did you mean {meant}?" if meant else f"It is one of: {', '.join(words)}."
    return Finding(where, "KF910", f"There is no {what} {value!r}.", fix)


def unknown_fields(manifest: Mapping[str, Any]) -> list[Finding]:
    """Return warnings for fields that no version knows: the API server drops them without a word."""
    framework = _framework(manifest)
    spec = manifest.get("spec")
    if isinstance(framework, Finding) or not isinstance(spec, Mapping):
        return []
    run_policy, elastic = spec.get("runPolicy"), spec.get("elasticPolicy")
    scheduling = run_policy.get("schedulingPolicy") if isinstance(run_policy, Mapping) else None
    places = [
        ("spec", spec, {framework.specs, "runPolicy"} | _OWN_FIELDS.get(framework.kind, frozenset())),
        ("spec.runPolicy", run_policy, _RUN_POLICY),
        ("spec.runPolicy.schedulingPolicy", scheduling, _SCHEDULING),
        ("spec.elasticPolicy", elastic, _ELASTIC),
    ]
    specs = spec.get(framework.specs)
    for role, replica in specs.items() if isinstance(specs, Mapping) else ():
        places.append((f"spec.{framework.specs}[{role}]", replica, {"replicas", "restartPolicy", "template"}))
    found = []
    for path, mapping, known in places:
        for name in mapping if isinstance(mapping, Mapping) else ():
            if name not in known:
                everywhere = {known_name: place for place, _, names in places for known_name in names}
                near = difflib.get_close_matches(str(name), sorted(everywhere), 1, 0.7)
                fix = f"Did you mean {everywhere[near[0]]}.{near[0]}?" if near else "Remove it."
                found.append(Finding(f"{path}.{name}", "KF920", f"{path} has no field {name!r}.", fix))
    return found


def warnings_of(manifest: Mapping[str, Any]) -> list[Finding]:
    """Return what runs, but not as most people expect. For a manifest without errors."""
    framework = _framework(manifest)
    if isinstance(framework, Finding):
        return []
    spec = manifest["spec"]
    path = f"spec.{framework.specs}"
    replicas = {role_named(framework, written): replica for written, replica in spec[framework.specs].items()}
    return [
        *unknown_fields(manifest),
        *_framework_warnings(framework, path, replicas, spec),
        *_replica_warnings(framework, path, replicas),
    ]


def _framework_warnings(
    framework: Framework, path: str, replicas: Mapping[str | None, Any], spec: Mapping[str, Any]
) -> Iterator[Finding]:
    if framework.kind is JobKind.TF:
        if "Evaluator" in replicas and len(replicas) > 1:
            message = (
                "The operator lists the evaluator in everyone's TF_CONFIG, but TensorFlow has it outside the training"
                " cluster: a chief of parameter servers waits for it for ever."
            )
            fix = "Take it out of TF_CONFIG before TensorFlow is imported; `job env --form local` shows the result."
            yield Finding(f"{path}[Evaluator]", "KF921", message, fix)
        if "Master" in replicas:
            message = "TensorFlow's strategies know no task `master`."
            yield Finding(f"{path}[Master]", "KF922", message, "Rename it to Chief.")
    if framework.kind is JobKind.PYTORCH and "Master" not in replicas and spec.get("elasticPolicy") is None:
        message = "Without Master and elasticPolicy the operator sets no MASTER_ADDR, RANK and WORLD_SIZE."
        yield Finding(path, "KF923", message, "Make one of the workers the Master, or add an elasticPolicy.")
    run_policy = spec.get("runPolicy") or {}
    if run_policy.get("managedBy") == "kueue.x-k8s.io/multikueue":
        message = "The operator of this cluster leaves the job alone: MultiKueue sends it to another one."
        yield Finding("spec.runPolicy.managedBy", "KF924", message, "Leave it out where there is no MultiKueue.")


def _replica_warnings(framework: Framework, path: str, replicas: Mapping[str | None, Any]) -> Iterator[Finding]:
    policies = {role: replica.get("restartPolicy") or framework.restart for role, replica in replicas.items()}
    for role, replica in replicas.items():
        where = f"{path}[{role}]"
        pod = replica["template"]["spec"]
        if pod.get("restartPolicy"):
            message = "The pod's restartPolicy is overwritten by that of the replica type."
            yield Finding(f"{where}.template.spec.restartPolicy", "KF925", message, f"Set {where}.restartPolicy.")
        if replica.get("replicas") == 0 and framework.kind is not JobKind.MPI:
            message = "The operator makes one replica although none is asked for."
            yield Finding(f"{where}.replicas", "KF926", message, f"Leave {role} out.")
        if policies[role] == RestartPolicy.NEVER and {*policies.values()} != {RestartPolicy.NEVER}:
            message = f"A lost {role} is never restarted and fails the job, though others are restarted."
            yield Finding(f"{where}.restartPolicy", "KF927", message, "Give all replica types the same policy.")
