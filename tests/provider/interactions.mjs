// Signing in and consenting: the part of a provider that talks with the user.
import * as pages from './pages.mjs';

const PATH = /^\/interaction\/([\w-]+)(?:\/(login|consent|abort))?$/;

/** Koa middleware for `/interaction/…`. */
export function interactions(provider, settings) {
  return async function interaction(ctx, next) {
    const [, , action] = PATH.exec(ctx.path) ?? [];
    if (!PATH.test(ctx.path)) return next();
    ctx.set('cache-control', 'no-store');
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method === 'GET' && !action) return show(ctx, details);
    if (ctx.method !== 'POST' || !action) return ctx.throw(405);
    return finish(ctx, details, action);
  };

  async function show(ctx, { prompt, params }, problem) {
    const client = await provider.Client.find(params.client_id);
    const path = ctx.path.split('/').slice(0, 3).join('/');
    ctx.type = 'html';
    ctx.body =
      prompt.name === 'login'
        ? pages.login(settings, { path, client, email: problem?.email ?? params.login_hint, problem: problem?.text })
        : pages.consent(settings, { path, client, scopes: (params.scope ?? '').split(' ') });
  }

  async function finish(ctx, details, action) {
    if (action === 'abort') {
      return answer(ctx, { error: 'access_denied', error_description: 'the user said no' });
    }
    if (action !== details.prompt.name) return ctx.throw(400, `expected ${details.prompt.name}`);
    if (action === 'consent') return answer(ctx, { consent: { grantId: await grant(details) } });

    const { email, password } = await form(ctx);
    const account = settings.accounts.find((each) => each.email === email && each.password === password);
    if (!account) return show(ctx, details, { email, text: 'Wrong address or password.' });
    return answer(ctx, { login: { accountId: account.sub } });
  }

  async function answer(ctx, result) {
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    ctx.status = 303;
  }

  /** Grants everything that was asked for: this provider's users read the page and agree, or cancel. */
  async function grant({ grantId, session, params, prompt: { details } }) {
    const found = grantId ? await provider.Grant.find(grantId) : undefined;
    const granted = found ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    if (details.missingOIDCScope) granted.addOIDCScope(details.missingOIDCScope.join(' '));
    if (details.missingOIDCClaims) granted.addOIDCClaims(details.missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
      granted.addResourceScope(resource, scopes.join(' '));
    }
    return granted.save();
  }
}

async function form(ctx) {
  let body = '';
  for await (const chunk of ctx.req) {
    body += chunk;
    if (body.length > 10_000) ctx.throw(413);
  }
  return Object.fromEntries(new URLSearchParams(body));
}
