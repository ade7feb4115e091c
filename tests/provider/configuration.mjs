// What a test may say about the provider, and the library's configuration that follows from it.
import { createHash } from 'node:crypto';

import { errors } from 'oidc-provider';

import * as pages from './pages.mjs';

const DAY = 24 * 60 * 60;

const DEFAULTS = {
  /** The issuer; `http://127.0.0.1:PORT` when absent. */
  issuer: undefined,
  /** Shown on the pages. */
  name: 'Northwind',
  /** `{email, name, password, email_verified = true, sub = derived from the address}` */
  accounts: [],
  /** Further clients, in the library's own terms, beside the public native client `latchkey`. */
  clients: [],
  /** Resource indicators (RFC 8707) for which access tokens are JWTs (RFC 9068). */
  resources: [],
  /** What access tokens for a resource are: `jwt`, or `opaque`, which the provider must be asked about (RFC 7662). */
  access_token_format: 'jwt',
  /** Signs ID tokens and access tokens: RS256 or ES256. */
  signing_alg: 'RS256',
  /** Lives, in seconds. */
  access_token_for: 60 * 60,
  device_code_for: 10 * 60,
  refresh_token_for: 90 * DAY,
  /** https by this name: `{name, certificate, key}`, the last two PEM files. The issuer follows from it. */
  tls: undefined,
  /** A file in which keys, sessions and grants outlive the process; memory alone when absent. */
  store: undefined,
};

const ACCOUNT_FIELDS = ['email', 'name', 'password', 'email_verified', 'sub'];

/** Fills in what a settings file leaves out, and refuses what it misspells. */
export function readSettings(given) {
  refuseUnknown('setting', given, Object.keys(DEFAULTS));
  const settings = { ...DEFAULTS, ...given };
  if (!['RS256', 'ES256'].includes(settings.signing_alg)) {
    throw new Error(`signing_alg must be RS256 or ES256, not ${settings.signing_alg}`);
  }
  if (!['jwt', 'opaque'].includes(settings.access_token_format)) {
    throw new Error(`access_token_format must be jwt or opaque, not ${settings.access_token_format}`);
  }
  settings.accounts = settings.accounts.map((account) => {
    refuseUnknown('field of an account', account, ACCOUNT_FIELDS);
    for (const field of ['email', 'name', 'password']) {
      if (typeof account[field] !== 'string') throw new Error(`an account needs ${field}`);
    }
    const sub = createHash('sha256').update(account.email).digest('hex').slice(0, 24);
    return { email_verified: true, sub, ...account };
  });
  return settings;
}

function refuseUnknown(what, given, known) {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown) throw new Error(`unknown ${what}: ${unknown}; known are ${known.join(', ')}`);
}

/** The client that Latchkey signs in as: native and public, so PKCE is required and any loopback port will do. */
function latchkeyClient(alg) {
  return {
    client_id: 'latchkey',
    client_name: 'Latchkey',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'],
    id_token_signed_response_alg: alg,
  };
}

/** The library's configuration. */
export function configuration(settings, { adapter, jwks, cookieKeys }) {
  return {
    adapter,
    jwks,
    cookies: { keys: cookieKeys },
    clients: [latchkeyClient(settings.signing_alg), ...settings.clients],
    findAccount: (_ctx, sub) => findAccount(settings.accounts, sub),
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // As most providers do: who the user is stands in the ID token, not only behind the userinfo endpoint.
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    // A desktop client's grant outlives the browser's session, and is given without `prompt=consent` too.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    ttl: {
      AccessToken: settings.access_token_for,
      AuthorizationCode: 60,
      DeviceCode: settings.device_code_for,
      Grant: settings.refresh_token_for,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      RefreshToken: settings.refresh_token_for,
      Session: 14 * DAY,
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: pages.failure(settings),
    features: {
      devInteractions: { enabled: false },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: pages.deviceCode(settings),
        userCodeConfirmSource: pages.deviceConfirm(settings),
        successSource: pages.deviceDone(settings),
      },
      dPoP: { enabled: true },
      revocation: { enabled: true },
      // A service that is no client of the user's asks about tokens that it cannot read (RFC 7662).
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, _token) => client.clientAuthMethod !== 'none',
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.signOut(settings),
        postLogoutSuccessSource: pages.signedOut(settings),
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => resourceServer(settings, resource),
        useGrantedResource: () => true,
      },
    },
  };
}

function resourceServer(settings, resource) {
  if (!settings.resources.includes(resource)) throw new errors.InvalidTarget();
  return {
    scope: '',
    audience: resource,
    accessTokenTTL: settings.access_token_for,
    accessTokenFormat: settings.access_token_format,
    jwt: { sign: { alg: settings.signing_alg } },
  };
}

function findAccount(accounts, sub) {
  const account = accounts.find((each) => each.sub === sub);
  if (!account) return undefined;
  const { email, email_verified, name } = account;
  return { accountId: sub, claims: () => ({ sub, email, email_verified, name }) };
}
