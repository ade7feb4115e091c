// Which screen a View asks for, and what that screen is about.

import { Code } from './codes';
import type { AccountView, ProductView, StatusView, View } from './view';

/** Where the user is: at the screen that fits the status, or at one that they opened. */
export type Place =
  | { screen: 'home' }
  | { screen: 'product'; product: string }
  | { screen: 'reset'; product: string | null }
  | { screen: 'devices' }
  | { screen: 'sign-out' }
  | { screen: 'privacy' };

export const HOME: Place = { screen: 'home' };

/** The place with this name, as `--screen` and the `show` event carry it. A name that is not known leads home. */
export function placeNamed(name: string): Place {
  const [screen = '', product = ''] = name.split(/:(.*)/s);
  switch (screen) {
    case 'product':
    case 'details':
      return product === '' ? HOME : { screen: 'product', product };
    case 'reset':
      return { screen: 'reset', product: product === '' ? null : product };
    case 'devices':
    case 'sign-out':
    case 'privacy':
      return { screen };
    default:
      return HOME;
  }
}

export function nameOfPlace(place: Place): string {
  return 'product' in place && place.product !== null ? `${place.screen}:${place.product}` : place.screen;
}

/** The screens that fit a status. */
export type Home =
  | 'connecting'
  | 'unreachable'
  | 'no_products'
  | 'signed_out'
  | 'signing_in'
  | 'licensed'
  | 'offline'
  | 'final'
  | 'outage'
  | 'stopped';

/** The screen that fits: nothing told yet, no agent, or a View. */
export function homeOf(view: View | null | undefined): Home {
  if (view === undefined) return 'connecting';
  if (view === null) return 'unreachable';
  if (view.sign_in !== null) return 'signing_in';
  switch (view.headline.line) {
    case 'licensed':
    case 'outage':
      // Somebody is signed in, or a service is out, and still nothing may run: why is what matters.
      return onlyBlocked(view) ? 'stopped' : view.headline.line;
    case 'no_products':
    case 'signed_out':
    case 'offline':
    case 'final':
    case 'stopped':
      return view.headline.line;
    case 'sign_in_again':
      return 'licensed';
    default:
      // While a check is on the wire or the keyring is locked, the screen stays what the products make of it.
      return homeOfProducts(view);
  }
}

function homeOfProducts(view: View): Home {
  const statuses = view.products.map((product) => product.status);
  const on = (...bases: string[]) => statuses.some((status) => isOk(status) && bases.includes(status.basis ?? ''));
  if (statuses.length === 0) return 'no_products';
  if (statuses.some(isRefused) || onlyBlocked(view)) return 'stopped';
  if (on('final_warning')) return 'final';
  if (on('grace')) return 'offline';
  if (on('outage', 'temporary')) return 'outage';
  if (statuses.some(isOk) || view.accounts.some((account) => account.user !== null)) return 'licensed';
  return 'signed_out';
}

function onlyBlocked(view: View): boolean {
  const statuses = view.products.map((product) => product.status);
  return statuses.some(isBlocked) && !statuses.some(isOk);
}

export const isOk = (status: StatusView) => status.code === Code.Ok;

/** Neither licensed, nor on the way, nor only signed out. */
export const isRefused = (status: StatusView) => status.code > Code.SignInRequired;

/** Refused, or pending on something that nobody is at. */
const isBlocked = (status: StatusView) =>
  isRefused(status) || (status.code === Code.AuthPending && !status.reason?.startsWith('waiting_for'));

/** The product whose licence ends first: what ring, menu and daily notice show (rule 3). */
export function firstToEnd(view: View): (ProductView & { status: { until: number } }) | undefined {
  const ends = (product: ProductView): product is ProductView & { status: { until: number } } =>
    isOk(product.status) && product.status.basis !== 'temporary' && product.status.until !== undefined;
  return view.products.filter(ends).sort((one, other) => one.status.until - other.status.until)[0];
}

/** The product that the screen "stopped" is about. */
export function stoppedProduct(view: View): ProductView | undefined {
  const { headline, products } = view;
  if (headline.line === 'stopped') {
    const named = products.filter((p) => p.name === headline.product || p.product === headline.product);
    const exact = named.find((p) => p.status.code === headline.code) ?? named[0];
    if (exact !== undefined) return exact;
  }
  return products.find(({ status }) => isRefused(status)) ?? products.find(({ status }) => isBlocked(status));
}

export function accountOf(view: View, service: string): AccountView | undefined {
  return view.accounts.find((account) => account.service === service);
}

/** What leads out of a status. */
export type Remedy = 'sign_in' | 'check' | 'ask_admin' | 'use_here' | null;

export function remedyOf(status: StatusView): Remedy {
  switch (status.code) {
    case Code.SignInRequired:
    case Code.DeviceReleased:
      return 'sign_in';
    case Code.NotAssigned:
    case Code.SubscriptionEnded:
      return 'ask_admin';
    case Code.SessionInUse:
      return status.detail?.may_take_over === true ? 'use_here' : 'check';
    case Code.InvalidArgument:
      return null;
    case Code.AuthPending:
      return ['vault_locked', 'not_registered', 'waiting_for_user'].includes(status.reason ?? '') ? null : 'check';
    default:
      return isRefused(status) ? 'check' : null;
  }
}

/** The look of a product's state: a shape and a colour. */
export type Mark = 'ready' | 'offline' | 'warning' | 'busy' | 'stopped' | 'signed_out';

export function markOf(status: StatusView): Mark {
  if (isOk(status)) {
    if (status.stop_at !== undefined || status.basis === 'final_warning') return 'warning';
    return status.basis === 'grace' ? 'offline' : 'ready';
  }
  if (status.code === Code.SignInRequired) return 'signed_out';
  return isRefused(status) ? 'stopped' : 'busy';
}

/** The host of a service, as people know it. */
export function hostOf(service: string): string {
  try {
    return new URL(service).host;
  } catch {
    return service;
  }
}

/** An address as a person types it: host and path, without what every address begins with. */
export function hostAndPath(address: string): string {
  try {
    const { host, pathname, search } = new URL(address);
    return host + (pathname === '/' ? '' : pathname) + search;
  } catch {
    return address;
  }
}
