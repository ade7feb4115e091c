// The pages that a user sees. Every control has a label and an id, so that people and browser tests find it.

const STYLE = `
  :root { color-scheme: light dark; --ink: #1d2330; --paper: #f4f5f7; --card: #fff; --line: #d5d9e0; --accent: #1d5fbf; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8eaef; --paper: #14171d; --card: #1f242d; --line: #3a424f; --accent: #7db0f5; }
  }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 16px/1.5 system-ui, sans-serif;
    color: var(--ink); background: var(--paper); }
  main { width: min(22rem, 90vw); padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
  h1 { margin: 0 0 1rem; font-size: 1.4rem; }
  label { display: block; margin: 1rem 0 .25rem; }
  input[type=email], input[type=password], input[type=text] { box-sizing: border-box; width: 100%; padding: .6rem;
    font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
  button { margin: 1.5rem .5rem 0 0; padding: .6rem 1.2rem; font: inherit; border-radius: 6px; border: 1px solid var(--line);
    color: inherit; background: none; cursor: pointer; }
  button.first { color: var(--card); background: var(--accent); border-color: var(--accent); }
  .problem { padding: .6rem; border-left: 4px solid #c0392b; }
  .code { font: 1.6rem ui-monospace, monospace; letter-spacing: .1em; }`;

const SCOPES = {
  openid: 'who you are',
  email: 'your e-mail address',
  profile: 'your name',
  offline_access: 'to act for you while you are away',
};

function escape(text) {
  return String(text ?? '').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page({ name }, title, body) {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)} – ${escape(name)}</title>
  <style>${STYLE}</style>
</head>
<body><main><h1>${escape(title)}</h1>${body}</main></body>
</html>`;
}

function said(problem) {
  return problem ? `<p id="problem" class="problem" role="alert">${escape(problem)}</p>` : '';
}

export function login(settings, { path, client, email, problem }) {
  return page(
    settings,
    `Sign in to ${settings.name}`,
    `<p>to go on to ${escape(client.clientName)}</p>${said(problem)}
    <form method="post" action="${path}/login">
      <label for="email">E-mail</label>
      <input id="email" name="email" type="email" autocomplete="username" required value="${escape(email)}" ${email ? '' : 'autofocus'}>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required ${email ? 'autofocus' : ''}>
      <button id="sign-in" class="first">Sign in</button>
      <button id="cancel" formaction="${path}/abort" formnovalidate>Cancel</button>
    </form>`,
  );
}

export function consent(settings, { path, client, scopes }) {
  const asked = scopes.filter((scope) => SCOPES[scope]).map((scope) => `<li>${SCOPES[scope]}</li>`);
  return page(
    settings,
    `${client.clientName} asks`,
    `<ul>${asked.join('')}</ul>
    <form method="post" action="${path}/consent">
      <button id="allow" class="first" autofocus>Allow</button>
      <button id="cancel" formaction="${path}/abort">Cancel</button>
    </form>`,
  );
}

/** The page on which a device's code is typed. The library brings the form's hidden half. */
export function deviceCode(settings) {
  return async (ctx, form, _out, error) => {
    const problem = error && (error.name === 'AbortedError' ? 'You cancelled the sign-in.' : 'That code is not known, used or too old.');
    const labelled = form.replace(/<input\s+(?=[^>]*name="user_code")/, '<input id="user-code" ').replace('</input>', '');
    ctx.type = 'html';
    ctx.body = page(
      settings,
      'Sign in on a device',
      `${said(problem)}<label for="user-code">The code that the device shows</label>${labelled}
      <button id="continue" class="first" form="op.deviceInputForm">Continue</button>`,
    );
  };
}

export function deviceConfirm(settings) {
  return async (ctx, form, client, _device, userCode) => {
    ctx.type = 'html';
    ctx.body = page(
      settings,
      `Sign in ${client.clientName}?`,
      `<p>Go on only if the device shows this code:</p><p class="code" id="code">${escape(userCode)}</p>${form}
      <button id="continue" class="first" form="op.deviceConfirmForm" autofocus>Continue</button>
      <button id="cancel" form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button>`,
    );
  };
}

export function deviceDone(settings) {
  return async (ctx) => {
    ctx.type = 'html';
    ctx.body = page(settings, 'The device is signed in', '<p id="done">You can close this page.</p>');
  };
}

export function signOut(settings) {
  return async (ctx, form) => {
    ctx.type = 'html';
    ctx.body = page(
      settings,
      `Sign out of ${settings.name}?`,
      `${form}<button id="sign-out" class="first" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
      <button id="stay" form="op.logoutForm">Stay signed in</button>`,
    );
  };
}

export function signedOut(settings) {
  return async (ctx) => {
    ctx.type = 'html';
    ctx.body = page(settings, 'You are signed out', '<p id="done">You can close this page.</p>');
  };
}

export function failure(settings) {
  return async (ctx, { error, error_description: description }) => {
    ctx.type = 'html';
    ctx.body = page(
      settings,
      'This did not work',
      `<p id="problem" class="problem" role="alert">${escape(description ?? error)}</p><p><code>${escape(error)}</code></p>`,
    );
  };
}
