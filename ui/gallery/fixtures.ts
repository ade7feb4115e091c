// A View for each screen and state, for the tests and for looking at (shoot.mjs).

import type { AccountView, Headline, OwnDevices, ProductView, SentField, SignInView, StatusView, Timestamp, UserCode, View } from '../src/view';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 24 November 2026, 14:05 in Berlin. */
export const NOW: Timestamp = 1_795_525_500_000;
export const ZONE = 'Europe/Berlin';
const SERVICE = 'https://licence.lindqvist.example';

const lease = (left: number, basis: StatusView['basis'] = 'lease'): StatusView => ({
  code: 0,
  name: 'OK',
  basis,
  until: NOW + left,
  left: left < DAY ? { hours: Math.ceil(left / HOUR) } : { days: Math.ceil(left / DAY) },
});

const refusal = (code: number, name: string, more: Partial<StatusView> = {}): StatusView => ({ code, name, ...more });

function product(status: StatusView, more: Partial<ProductView> = {}): ProductView {
  return {
    product: 'ATLAS',
    version: '2026.1',
    name: 'Atlas',
    publisher: 'Lindqvist Instruments',
    service: SERVICE,
    status,
    open: 1,
    checked_at: status.code === 0 ? NOW - HOUR : null,
    offline_for: status.code === 0 ? 2_592_000 : null,
    org: 'Studio Lindqvist',
    ...more,
  };
}

const meridian = (status: StatusView, more: Partial<ProductView> = {}) =>
  product(status, { product: 'MERIDIAN', version: '3.4', name: 'Meridian', open: 0, ...more });

function account(more: Partial<AccountView> = {}): AccountView {
  return {
    service: SERVICE,
    user: { name: 'Maya Lindqvist', email: 'maya@lindqvist.example', issuer: 'https://id.lindqvist.example' },
    reach: 'online',
    checked_at: NOW - HOUR,
    next_check_at: NOW + 21 * HOUR,
    checking: false,
    release_waiting: false,
    session_awaited: [],
    ...more,
  };
}

function view(headline: Headline, products: ProductView[], accounts: AccountView[], more: Partial<View> = {}): View {
  return {
    revision: 7,
    at: NOW,
    headline,
    accounts,
    products,
    sign_in: null,
    last_sign_in: null,
    problems: [],
    ...more,
  };
}

const nobody = (more: Partial<AccountView> = {}) =>
  account({ user: null, checked_at: null, next_check_at: null, ...more });
const signedOutProducts = [
  product(refusal(10, 'SIGN_IN_REQUIRED'), { open: 0 }),
  meridian(refusal(10, 'SIGN_IN_REQUIRED')),
];
const signedOut: Headline = { icon: 'signed_out', line: 'signed_out' };

const code: UserCode = {
  user_code: 'WDJB-MJHT',
  verification_uri: 'https://id.lindqvist.example/device',
  verification_uri_complete: 'https://id.lindqvist.example/device?user_code=WDJB-MJHT',
};

function signingIn(more: Partial<SignInView>): View {
  const attempt: SignInView = {
    attempt: 3,
    service: SERVICE,
    method: 'browser',
    phase: 'waiting_for_user',
    issuer: 'https://id.lindqvist.example',
    url: 'https://id.lindqvist.example/authorize?client_id=latchkey',
    code: null,
    since: NOW - 8000,
    until: NOW + 15 * MINUTE - 8000,
    ...more,
  };
  const headline: Headline = { icon: 'busy', line: 'signing_in' };
  return view(headline, signedOutProducts, [nobody()], { sign_in: attempt });
}

const licensed: Headline = { icon: 'ready', line: 'licensed', user: 'Maya Lindqvist' };

const awayAccount = (reach: AccountView['reach'], since: number) =>
  account({ reach, checked_at: NOW - since, next_check_at: NOW + 4 * MINUTE });

/** Why the days are counted. */
const AWAY: Partial<Record<AccountView['reach'], string>> = {
  neither_answers: 'neither_answers',
  identity_outage: 'identity_outage',
  doubtful: 'overdue',
  online: 'outdated',
};

/** Away since the last check, which brought both leases. */
function away(left: number, basis: StatusView['basis'], line: 'offline' | 'final', reach: AccountView['reach'] = 'offline', why = AWAY[reach] ?? 'offline') {
  const status: StatusView = { ...lease(left, basis), away: why };
  const checked = { checked_at: NOW + left - 30 * DAY };
  const headline: Headline = {
    icon: line === 'final' ? (['one', 'two', 'three'][Math.ceil(left / DAY) - 1] ?? 'three') : 'offline',
    line,
    away: why,
    product: 'Atlas',
    left: status.left ?? { hours: 0 },
    until: NOW + left,
  };
  return view(headline, [product(status, checked), meridian(status, checked)], [awayAccount(reach, 30 * DAY - left)]);
}

function stopped(status: StatusView, more: Partial<ProductView> = {}): View {
  const headline: Headline = {
    icon: 'stopped',
    line: 'stopped',
    product: 'Atlas',
    code: status.code,
    stop_at: status.stop_at ?? null,
  };
  return view(headline, [product(status, more), meridian(lease(30 * DAY - HOUR))], [account()]);
}

/** Stopped by what ends the licences of every product, `account` being what is left of it. */
function stoppedAll(status: StatusView, account: AccountView, more: Partial<ProductView> = {}): View {
  const view = stopped(status, more);
  const closed = { ...status };
  delete closed.stop_at;
  return { ...view, products: [view.products[0]!, meridian(closed)], accounts: [account] };
}

const device = (id: string, name: string, system: string, ago: number) => ({
  id,
  name,
  system,
  last_seen: (NOW - ago) / 1000,
});

/** By name; each is one picture. */
export const views: Record<string, View | null | undefined> = {
  connecting: undefined,
  unreachable: null,
  'no-products': view({ icon: 'signed_out', line: 'no_products' }, [], []),
  'signed-out': view(signedOut, signedOutProducts, [nobody()]),
  'signed-out-failed': view(signedOut, signedOutProducts, [nobody({ release_waiting: true })], {
    last_sign_in: { attempt: 2, method: 'browser', result: 'failed', problem: 'network_sign_in', detail: 'discovery: text/html, 200' },
  }),
  'signing-in-starting': signingIn({ phase: 'starting', url: null, since: NOW - 1000 }),
  'signing-in': signingIn({}),
  'signing-in-hint': signingIn({ since: NOW - 95_000, until: NOW + 15 * MINUTE - 95_000 }),
  'signing-in-code': signingIn({ method: 'device_code', code, until: NOW + 10 * MINUTE - 8000 }),
  'signed-out-code': view(signedOut, signedOutProducts, [nobody()], {
    last_sign_in: { attempt: 2, method: 'device_code', result: 'expired' },
  }),
  'signing-in-finishing': signingIn({ phase: 'finishing' }),
  licensed: view(licensed, [product(lease(30 * DAY - HOUR)), meridian(lease(30 * DAY - HOUR))], [account()]),
  'licensed-one': view(licensed, [product(lease(29 * DAY + 2 * HOUR))], [account()]),
  'licensed-two-services': view(
    licensed,
    [
      product(lease(30 * DAY - HOUR)),
      product(refusal(10, 'SIGN_IN_REQUIRED'), {
        product: 'PRISM',
        name: 'Prism Colour',
        version: '11',
        service: 'https://licence.prism.example',
        open: 0,
      }),
    ],
    [account(), nobody({ service: 'https://licence.prism.example' })],
  ),
  'licensed-in-part': view(
    licensed,
    [product(lease(30 * DAY - HOUR)), meridian(refusal(18, 'LICENSING_UNAVAILABLE'))],
    [account()],
  ),
  checking: view(
    { icon: 'busy', line: 'checking' },
    [product(refusal(3, 'PENDING_LICENSING', { since: NOW - 2000, until: NOW + MINUTE }))],
    [account({ checking: true, checked_at: null, next_check_at: null, reach: 'unknown' })],
  ),
  'sign-in-again': view(
    { icon: 'ready', line: 'sign_in_again', user: 'Maya Lindqvist' },
    [product(lease(22 * DAY)), meridian(lease(22 * DAY))],
    [account({ checked_at: NOW - 8 * DAY })],
    { problems: ['sign_in_again'] },
  ),
  'vault-locked': view(
    { icon: 'busy', line: 'vault_locked' },
    [product(lease(28 * DAY, 'grace')), meridian(lease(28 * DAY, 'grace'))],
    [awayAccount('unknown', 2 * DAY)],
    { problems: ['vault_locked'] },
  ),
  offline: away(27 * DAY - HOUR, 'grace', 'offline'),
  'neither-answers': away(12 * DAY, 'grace', 'offline', 'neither_answers'),
  'final-days': away(3 * DAY - HOUR, 'final_warning', 'final'),
  'final-hours': away(5 * HOUR - 10 * MINUTE, 'final_warning', 'final'),
  'outage-licensing': view(
    { icon: 'ready', line: 'outage', reach: 'licensing_outage' },
    [product(lease(29 * DAY - 3 * HOUR, 'outage')), meridian(lease(4 * HOUR, 'temporary'))],
    [awayAccount('licensing_outage', 3 * HOUR)],
  ),
  'outage-temporary': view(
    { icon: 'ready', line: 'outage', reach: 'licensing_outage' },
    [product(lease(3 * HOUR, 'temporary')), meridian(lease(3 * HOUR, 'temporary'))],
    [awayAccount('licensing_outage', 31 * DAY)],
  ),
  'offline-identity': away(29 * DAY - 3 * HOUR, 'grace', 'offline', 'identity_outage'),
  'offline-overdue': away(28 * DAY - 3 * HOUR, 'grace', 'offline', 'doubtful'),
  outdated: away(20 * DAY, 'grace', 'offline', 'online'),
  'subscription-final': away(2 * DAY - HOUR, 'final_warning', 'final', 'online', 'subscription'),
  'outdated-final': away(2 * DAY - HOUR, 'final_warning', 'final', 'online'),
  'stopping-offline': stoppedAll(
    refusal(12, 'OFFLINE_LIMIT_REACHED', { until: NOW - 20_000, stop_at: NOW + 10 * MINUTE - 20_000 }),
    awayAccount('offline', 30 * DAY + 20_000),
  ),
  'stopped-offline': stoppedAll(
    refusal(12, 'OFFLINE_LIMIT_REACHED', { until: NOW - 26 * HOUR }),
    awayAccount('offline', 30 * DAY + 26 * HOUR),
    { open: 0 },
  ),
  'stopped-first-start': view(
    licensed,
    [product(refusal(11, 'FIRST_START_OFFLINE'), { open: 0, org: null })],
    [account({ reach: 'offline', checked_at: null })],
  ),
  'stopped-network-blocked': view(
    licensed,
    [
      product(
        refusal(4, 'AUTH_PENDING', {
          reason: 'network_blocked',
          obstacle: { host: 'licences.lindqvist.example', by: 'web_page' },
          since: NOW - MINUTE,
        }),
        { open: 0 },
      ),
    ],
    [account({ reach: 'doubtful', checked_at: null, next_check_at: NOW + 2 * MINUTE })],
  ),
  'stopped-not-assigned': stopped(
    refusal(13, 'NOT_ASSIGNED', { since: NOW - MINUTE, detail: { contact: 'it@lindqvist.example' } }),
    { open: 0 },
  ),
  'stopped-subscription': stopped(refusal(14, 'SUBSCRIPTION_ENDED', { since: NOW - HOUR }), { open: 0 }),
  'stopped-devices': stopped(
    refusal(15, 'DEVICE_LIMIT', {
      detail: {
        devices: [
          device('1', 'STUDIO-2', 'Windows 11', 3 * HOUR),
          device('2', 'maya-laptop', 'Debian 12', 9 * DAY),
          device('3', 'render-farm-gateway-frankfurt-04', 'macOS 15', 210 * DAY),
        ],
      },
    }),
    { open: 0 },
  ),
  'stopped-session': stopped(
    refusal(16, 'SESSION_IN_USE', {
      detail: {
        holder: device('1', 'STUDIO-2', 'Windows 11', 2 * MINUTE),
        holder_since: (NOW - 3 * HOUR) / 1000,
        may_take_over: true,
      },
    }),
    { open: 0 },
  ),
  'stopped-session-held': stopped(
    refusal(16, 'SESSION_IN_USE', { detail: { holder: device('1', 'STUDIO-2', 'Windows 11', 2 * MINUTE) } }),
    { open: 0 },
  ),
  'licensed-awaited': view(
    licensed,
    [product(lease(30 * DAY - HOUR))],
    [account({ session_awaited: [{ name: 'maya-laptop', asked_at: (NOW - MINUTE) / 1000 }] })],
  ),
  'stopped-released': stoppedAll(refusal(23, 'DEVICE_RELEASED', { since: NOW - HOUR }), nobody(), { open: 0 }),
  'stopped-unknown': stopped(refusal(99, 'BEYOND_THE_SEA'), { open: 0 }),
};

export const fields: SentField[] = [
  { field: 'access_token', value: '' },
  { field: 'device_proof', value: '' },
  { field: 'request_id', value: '' },
  { field: 'agent_version', value: '0.1.0' },
  { field: 'device_name', value: 'STUDIO-1' },
  { field: 'device_system', value: 'Debian GNU/Linux 12' },
  { field: 'product', value: 'ATLAS 2026.1 (open)' },
  { field: 'product', value: 'MERIDIAN 3.4 (closed)' },
];

export const own: OwnDevices = {
  devices: [
    { ...device('1', 'STUDIO-2', 'Windows 11', 3 * HOUR), holds_place: true, in_use: true, this: false },
    { ...device('2', 'STUDIO-1', 'Debian GNU/Linux 12', MINUTE), holds_place: true, in_use: false, this: true },
    { ...device('3', 'maya-laptop', 'macOS 15', 12 * DAY), holds_place: true, in_use: false, this: false },
  ],
  releases_left: 4,
};

/** The screens that a user opens, by name: the place, and the View below it. */
export const places: Record<string, { place: string; view: string }> = {
  product: { place: 'product:ATLAS', view: 'licensed' },
  'product-refused': { place: 'product:ATLAS', view: 'stopped-not-assigned' },
  'product-offline': { place: 'product:MERIDIAN', view: 'offline' },
  'product-gone': { place: 'product:NONE', view: 'licensed' },
  reset: { place: 'reset', view: 'licensed' },
  'reset-one': { place: 'reset:ATLAS', view: 'licensed' },
  'sign-out': { place: 'sign-out', view: 'licensed' },
  privacy: { place: 'privacy', view: 'licensed' },
  devices: { place: 'devices', view: 'licensed' },
};
