"""The demo as a web application: thin routes over :class:`DemoService`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .refusal_error import RefusalError
from .service import DemoService

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ['INSTALL', 'make_app']

INSTALL = 'The browser demo needs starlette and uvicorn: pip install starlette uvicorn.'
_PAGE = Path(__file__).with_name('page')
_FILES = {
    '/': ('index.html', 'text/html; charset=utf-8'),
    '/page.css': ('page.css', 'text/css; charset=utf-8'),
    '/page.js': ('page.js', 'text/javascript; charset=utf-8'),
    '/panel.js': ('panel.js', 'text/javascript; charset=utf-8'),
    '/server.js': ('server.js', 'text/javascript; charset=utf-8'),
}
_HEADERS = {
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
}
_JSON_BYTES = 100_000
_SWEEP_SECONDS = 20.0
_OTHER_SITES = ('cross-site', 'same-site')
_TOKEN = 'x-medglip-session'

Handler = Callable[['Request'], Awaitable['Response']]


def make_app(service: DemoService, hosts: Sequence[str]) -> Starlette:
    """Make the application.

    Args:
        service: What it does; closed when the application ends.
        hosts: Names in the ``Host`` header that are answered; ``['*']`` for any. On loopback this
            keeps pages of other sites out that rename themselves to this machine.

    Raises:
        ModuleNotFoundError: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route
    except ImportError as error:
        raise ModuleNotFoundError(INSTALL) from error

    def route(path: str, handler: Handler, methods: Sequence[str]) -> Route:
        async def guarded(request: Request) -> Response:
            try:
                _check_site(request)
                response = await handler(request)
            except RefusalError as refusal:
                response = JSONResponse({'error': str(refusal)}, refusal.status)
            response.headers.update(_HEADERS)
            return response

        return Route(path, guarded, methods=list(methods))

    async def asset(request: Request) -> Response:
        name, kind = _FILES[request.url.path]
        return Response((_PAGE / name).read_bytes(), media_type=kind)

    async def begin(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(service.begin))

    async def end(request: Request) -> Response:
        # The page says it while it closes, when it cannot set headers.
        token = _token(request) or (await _body(request)).decode('ascii', 'replace')
        await run_in_threadpool(service.sessions.end, token)
        return Response(status_code=204)

    async def begin_upload(request: Request) -> Response:
        await run_in_threadpool(service.begin_upload, _token(request))
        return Response(status_code=204)

    async def receive(request: Request) -> Response:
        length = request.headers.get('content-length', '')
        expected = int(length) if length.isascii() and length.isdigit() else None
        name = unquote(request.headers.get('x-file-name', ''))
        with service.receive(_token(request), name, expected) as upload:
            async for piece in request.stream():
                upload.write(piece)
            upload.finish()
        return JSONResponse({'name': upload.name})

    async def open_study(request: Request) -> Response:
        told = await _json(request)
        return JSONResponse(await run_in_threadpool(service.open, _token(request), told))

    async def view(request: Request) -> Response:
        told = await _json(request)
        png, meta = await run_in_threadpool(service.view, _token(request), told)
        headers = {'X-MedGLIP-View': json.dumps(meta)}
        return Response(png, media_type='image/png', headers=headers)

    async def predict(request: Request) -> Response:
        told = await _json(request)
        return JSONResponse(await run_in_threadpool(service.predict, _token(request), told))

    async def heat_maps(request: Request) -> Response:
        told = await _json(request)
        model = _query(request, 'model')
        png = await run_in_threadpool(service.heat_maps, _token(request), told, model)
        return Response(png, media_type='image/png')

    async def download(request: Request) -> Response:
        kind, model = _query(request, 'kind'), _query(request, 'model')
        file = await run_in_threadpool(service.download, _token(request), model, kind)
        headers = {'Content-Disposition': f'attachment; filename="{file.name}"'}
        return Response(file.content, media_type=file.media_type, headers=headers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(_SWEEP_SECONDS)
                await run_in_threadpool(service.sessions.end_idle)

        task = asyncio.create_task(sweep())
        try:
            yield
        finally:
            task.cancel()
            await run_in_threadpool(service.close)

    return Starlette(
        routes=[
            *(route(path, asset, ['GET']) for path in _FILES),
            route('/api/begin', begin, ['POST']),
            route('/api/end', end, ['POST']),
            route('/api/upload', begin_upload, ['POST']),
            route('/api/file', receive, ['POST']),
            route('/api/open', open_study, ['POST']),
            route('/api/view', view, ['POST']),
            route('/api/predict', predict, ['POST']),
            route('/api/heat-maps', heat_maps, ['POST']),
            route('/api/download', download, ['GET']),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
        ],
        lifespan=lifespan,
    )


def _token(request: Request) -> str | None:
    return request.headers.get(_TOKEN)


def _check_site(request: Request) -> None:
    """Refuse what the page of another site sends; browsers say where a request comes from."""
    if request.method == 'POST' and request.headers.get('sec-fetch-site') in _OTHER_SITES:
        raise RefusalError('Pages of other sites may not use this demo.', 403)


def _query(request: Request, key: str) -> str:
    value = request.query_params.get(key)
    if value is None:
        raise RefusalError(f'The address needs {key}=.')
    return value


async def _body(request: Request) -> bytes:
    body = b''
    async for piece in request.stream():
        body += piece
        if len(body) > _JSON_BYTES:
            raise RefusalError(f'The request is over {_JSON_BYTES} bytes.', 413)
    return body


async def _json(request: Request) -> Any:
    body = await _body(request)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusalError('The request is no JSON.') from None
