"""Kubernetes: how the cluster is found, who we are there, and the transport; all by the ``kubernetes`` package.

Credentials are read again each half minute and whenever the server does not accept them, so that tokens of service
accounts, of exec plugins and in files are followed, and client certificates that a plugin renews as well.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_kf.errors import ClusterError, ConfigError
from jupyter_kf.kube.failures import NO_CONFIGURATION

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_REREAD_SECONDS = 30.0
_MALFORMED = (TypeError, AttributeError, KeyError)  # how the loader says that parts of the file are of another shape


class Connection:
    """A cluster, and who we are there. Made by :meth:`open`; belongs to the event loop it was opened in.

    Attributes:
        host: URL of the API server.
        namespace: the configuration's own namespace, ``default`` where it names none.
    """

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        self.namespace = "default"
        self._kubeconfig = kubeconfig
        self._context = context
        self._lock = asyncio.Lock()
        self._loader: Any = None
        self._configuration: Any = None
        self._rest: Any = None
        self._raw: dict[str, Any] = {}
        self._retired: Any = None
        self._read = 0.0
        self._renewed = 0.0
        self._certificate: tuple[Any, ...] = ()

    @classmethod
    async def open(cls, kubeconfig: str | os.PathLike[str] | None = None, context: str | None = None) -> Connection:
        """Find the cluster: a kubeconfig that is given, the service account of this pod, or kubectl's own places.

        Args:
            kubeconfig: its path, several joined as in ``KUBECONFIG``; None looks for one.
            context: a context other than the current one.

        Raises:
            ClusterError: KF812, there is no configuration, or it cannot be used.
            ConfigError: KF510, the ``kubernetes`` package is not installed.
        """
        connection = cls(_find(kubeconfig), context)
        await connection._load()
        return connection

    @property
    def host(self) -> str:
        """URL of the API server."""
        return str(self._configuration.host)

    async def request(
        self, method: str, path: str, *, headers: dict[str, str], body: Any, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Send one request as who we are; the answer's body is the caller's to read, and the answer to release.

        Raises:
            aiohttp.ClientError, TimeoutError, OSError: there was no answer.
        """
        if time.monotonic() - self._read > _REREAD_SECONDS:
            await self._reread()
        auth = await self._configuration.auth_settings()
        headers = {**headers, **{one["key"]: one["value"] for one in auth.values() if one["value"]}}
        answer = await self._rest.request(
            method, self.host + path, headers=headers, body=body, _request_timeout=timeout, **self._raw
        )
        response: aiohttp.ClientResponse = getattr(answer, "response", answer)
        return response

    async def renew(self, since: float) -> bool:
        """Read the credentials again, unless that was done after ``since`` (monotonic); return whether they are new."""
        if self._renewed > since:
            return True
        before = self._who()
        await self._reread(force=True)
        self._renewed = time.monotonic()
        return self._who() != before

    async def close(self) -> None:
        """Close the connections to the server."""
        for rest in (self._rest, self._retired):
            if rest is not None:
                await rest.close()

    def _who(self) -> tuple[Any, ...]:
        return (self._configuration.api_key.get("BearerToken"), *self._certificate)

    async def _reread(self, *, force: bool = False) -> None:
        async with self._lock:
            if not force and time.monotonic() - self._read <= _REREAD_SECONDS:
                return
            if force:
                self._loader = None  # from the file on: the user may have logged in again
            elif self._certificate[0] is not None and self._exec() is not None:
                self._read = time.monotonic()  # a plugin's certificate is good until it is refused
                return
            try:
                await self._load_locked()
            except ClusterError as exc:
                # what we have may still be good: a kubeconfig that is just being written, a plugin without network
                logger.warning("The credentials could not be read again: %s", exc.message)
                self._read = time.monotonic()

    async def _load(self) -> None:
        async with self._lock:
            await self._load_locked()

    async def _load_locked(self) -> None:
        import yaml

        client, config = await asyncio.to_thread(_package)
        configuration = client.Configuration()
        configuration.disable_strict_ssl_verification = True  # as kubectl: many clusters' CAs lack what strict asks for
        configuration.connection_pool_maxsize = 0  # watches hold a connection each; nothing may wait behind them
        try:
            if self._kubeconfig is None:
                config.load_incluster_config(configuration, try_refresh_token=False)
                self.namespace = (_SERVICE_ACCOUNT / "namespace").read_text("utf-8").strip() or self.namespace
            else:
                await self._load_kubeconfig(configuration, config)
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, *_MALFORMED) as exc:
            where = self._kubeconfig or "the service account of this pod"
            raise ClusterError(
                f"The cluster's configuration cannot be used ({where}): {exc}",
                code=NO_CONFIGURATION,
                fix="Check it with: kubectl --kubeconfig PATH version",
            ) from exc
        token = configuration.api_key.get("BearerToken")
        if token:
            configuration.api_key["BearerToken"] = token.strip()  # token files end with a newline
        await self._use(configuration, client)
        self._read = time.monotonic()

    async def _load_kubeconfig(self, configuration: Any, config: Any) -> None:
        if self._loader is None:
            self._loader = await config.load_kube_config(
                config_file=self._kubeconfig,
                context=self._context,
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            await self._loader.load_and_set(configuration)
        plugin = self._exec()
        if plugin and not (configuration.api_key or configuration.cert_file):
            raise ValueError(f"its login command {plugin!r} gave no credentials; try it in a terminal")
        chosen = self._loader.current_context
        self.namespace = (chosen.get("context") or {}).get("namespace") or self.namespace

    def _exec(self) -> str | None:
        user = getattr(self._loader, "_user", None)
        return str(user["exec"]["command"]) if user and "exec" in user else None

    async def _use(self, configuration: Any, client: Any) -> None:
        """Take a configuration; the transport is made anew only where certificates or the server changed."""
        certificate = (
            configuration.cert_file,
            configuration.key_file,
            Path(configuration.cert_file).stat().st_mtime_ns if configuration.cert_file else None,
            configuration.ssl_ca_cert,
            configuration.host,
            configuration.proxy,
        )
        self._configuration = configuration
        if self._rest is not None and certificate == self._certificate:
            return
        # requests under way end on the transport they began with; the one before that has none left
        idle, self._retired, self._certificate = self._retired, self._rest, certificate
        self._rest = client.rest.RESTClientObject(configuration)
        raw = "_preload_content" in inspect.signature(self._rest.request).parameters  # until 36
        self._raw = {"_preload_content": False} if raw else {}
        if idle is not None:
            await idle.close()


def _package() -> tuple[Any, Any]:
    """Import what the ``kubernetes`` package has for asyncio: seconds, for a thread that is not the loop's."""
    try:
        from kubernetes.aio import client, config
    except ImportError as exc:
        raise ConfigError(
            f"A cluster needs the package kubernetes: {exc}.", code="KF510", fix="pip install 'jupyter-kf[kube]'"
        ) from exc
    return client, config


def _find(kubeconfig: str | os.PathLike[str] | None) -> str | None:
    """Return the path or paths of a kubeconfig, None for the service account; raises ClusterError KF812 for nothing."""
    given = os.fspath(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG", "")
    if not given and os.environ.get("KUBERNETES_SERVICE_HOST") and (_SERVICE_ACCOUNT / "token").is_file():
        return None
    paths = [Path(part).expanduser() for part in (given or "~/.kube/config").split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise ClusterError(
            f"No Kubernetes cluster is configured: {' and '.join(map(str, paths))} is not there.",
            code=NO_CONFIGURATION,
            fix="Set KUBECONFIG to the cluster's configuration file.",
        )
    return os.pathsep.join(map(str, paths))
