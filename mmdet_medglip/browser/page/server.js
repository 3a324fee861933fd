// Calls of the server. The session is known to this page alone: it lives in a variable.

let session = null;

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (session) headers['X-MedGLIP-Session'] = session;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused('The server does not answer; is it still running?', 0);
  }
  if (!response.ok) {
    const text = await response.text();
    let message = text.slice(0, 300) || `The server answered ${response.status}.`;
    try {
      message = JSON.parse(text).error;
    } catch { /* It was no JSON. */ }
    throw new Refused(message, response.status);
  }
  return response;
}

function post(path, body, signal) {
  return call(path, { method: 'POST', body: body && JSON.stringify(body), signal });
}

export async function begin() {
  const told = await (await post('api/begin')).json();
  session = told.session;
  return told;
}

export function end() {
  if (session) navigator.sendBeacon('api/end', session);
}

export async function upload(files, progress) {
  await post('api/upload');
  let done = 0;
  for (const file of files) {
    await call('api/file', {
      method: 'POST',
      body: file,
      headers: { 'X-File-Name': encodeURIComponent(file.name) },
    });
    done += 1;
    progress(done / files.length);
  }
}

export async function open(asked, signal) {
  return (await post('api/open', asked, signal)).json();
}

export async function view(asked, signal) {
  const response = await post('api/view', asked, signal);
  const told = JSON.parse(response.headers.get('X-MedGLIP-View'));
  return { ...told, picture: URL.createObjectURL(await response.blob()) };
}

export async function predict(asked, signal) {
  return (await (await post('api/predict', asked, signal)).json()).answers;
}

export async function heatMaps(asked, model) {
  const response = await post(`api/heat-maps?model=${encodeURIComponent(model)}`, asked);
  return URL.createObjectURL(await response.blob());
}

export async function download(model, kind) {
  const response = await call(`api/download?kind=${kind}&model=${encodeURIComponent(model)}`);
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition'))[1];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
