"""Run the demo until it is stopped."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from importlib.util import find_spec

from .app import INSTALL, make_app
from .service import DemoService

__all__ = ['LOOPBACK', 'address_of', 'check_libraries', 'hosts_of', 'is_loopback', 'run_server']

LOOPBACK = '127.0.0.1'
_LOOPBACK_NAMES = ('localhost', '127.0.0.1', '[::1]')
_CONNECTIONS = 100


def check_libraries() -> None:
    """Make sure that the server can run, before a model is loaded.

    Raises:
        ModuleNotFoundError: starlette or uvicorn is not installed.
    """
    if any(find_spec(name) is None for name in ('starlette', 'uvicorn')):
        raise ModuleNotFoundError(INSTALL)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def hosts_of(host: str, named: Sequence[str] = ()) -> list[str]:
    """Names in the ``Host`` header that are answered.

    Args:
        host: Address that the server listens at.
        named: Names that the operator gives.

    Returns:
        Those of loopback there; else those given, or any.
    """
    if is_loopback(host):
        return [*_LOOPBACK_NAMES, *([host] if host not in _LOOPBACK_NAMES else []), *named]
    return list(named) or ['*']


def address_of(host: str, port: int) -> str:
    """The address to open in a browser."""
    return f'http://{f"[{host}]" if ":" in host else host}:{port}/'


def run_server(
    service: DemoService, host: str = LOOPBACK, port: int = 7860, hosts: Sequence[str] = ()
) -> None:
    """Serve until a signal ends it; then all sessions and their files are gone.

    Args:
        service: What is served; it is closed in the end.
        host: Address to listen at.
        port: Port to listen at.
        hosts: See :func:`hosts_of`.

    Raises:
        ModuleNotFoundError: starlette or uvicorn is not installed.
        OSError: Another program has the port.
    """
    check_libraries()
    import uvicorn

    try:
        config = uvicorn.Config(
            make_app(service, hosts_of(host, hosts)),
            host=host,
            port=port,
            access_log=False,  # What is asked is nobody's business.
            log_level='warning',
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=5,
        )
        with config.bind_socket() as socket:
            uvicorn.Server(config).run(sockets=[socket])
    except SystemExit:
        raise OSError(
            f'Cannot listen at {address_of(host, port)}: another program has the port, or the '
            'address is not of this machine. Choose another one with --port or --host.'
        ) from None
    finally:
        service.close()
