import { expect, it } from 'vitest';

import { ringPath } from '../src/ring';
import { firstToEnd, homeOf, hostOf, markOf, remedyOf, stoppedProduct } from '../src/screen';
import type { StatusView } from '../src/view';
import { views } from '../gallery/fixtures';
import { fixture } from './window';

const status = (code: number, more: Partial<StatusView> = {}): StatusView => ({ code, name: '', ...more });

it.each(Object.keys(views))('%s has the screen that its name says', (name) => {
  const home = homeOf(views[name]).replaceAll('_', '-');
  const expected = name.startsWith('stopping') ? 'stopped' : name;
  const other: Record<string, string> = {
    checking: 'licensed',
    'sign-in-again': 'licensed',
    'vault-locked': 'offline',
    'neither-answers': 'offline',
    outdated: 'offline',
    'outdated-final': 'final',
    'subscription-final': 'final',
  };
  expect(expected.startsWith(other[name] ?? home) || home === other[name]).toBe(true);
});

it('shows the screen of the products while a check is on the wire, or a line is not known', () => {
  for (const name of ['licensed', 'offline', 'final-days', 'outage-licensing', 'stopped-offline', 'signed-out']) {
    const view = fixture(name);
    const before = homeOf(view);
    view.headline = { icon: 'busy', line: 'checking' };
    expect(homeOf(view)).toBe(before);
    view.headline = { icon: 'busy', line: 'of a newer agent' as 'checking' };
    expect(homeOf(view)).toBe(before);
  }
});

it('takes the earliest lease for the ring, never a temporary licence', () => {
  expect(firstToEnd(fixture('offline'))?.name).toBe('Atlas');
  expect(firstToEnd(fixture('outage-licensing'))?.name).toBe('Atlas');
  expect(firstToEnd(fixture('signed-out'))).toBeUndefined();
});

it('finds the product that has stopped by name, key or code', () => {
  const view = fixture('stopped-offline');
  expect(stoppedProduct(view)?.product).toBe('ATLAS');
  view.headline = { icon: 'stopped', line: 'stopped', product: 'ATLAS', code: 12, stop_at: null };
  expect(stoppedProduct(view)?.product).toBe('ATLAS');
  view.headline = { icon: 'stopped', line: 'stopped', product: 'gone', code: 12, stop_at: null };
  expect(stoppedProduct(view)?.product).toBe('ATLAS');
});

it('knows a way out of every status that has one', () => {
  expect([10, 23].map((code) => remedyOf(status(code)))).toEqual(['sign_in', 'sign_in']);
  expect([13, 14].map((code) => remedyOf(status(code)))).toEqual(['ask_admin', 'ask_admin']);
  expect([11, 12, 15, 16, 17, 18, 19, 20, 21, 99].every((code) => remedyOf(status(code)) === 'check')).toBe(true);
  expect([0, 1, 2, 3, 22].every((code) => remedyOf(status(code)) === null)).toBe(true);
  expect(remedyOf(status(4, { reason: 'network_blocked' }))).toBe('check');
  expect(remedyOf(status(4, { reason: 'vault_locked' }))).toBeNull();
});

it('marks a state with a shape', () => {
  expect(markOf(status(0, { basis: 'lease' }))).toBe('ready');
  expect(markOf(status(0, { basis: 'grace' }))).toBe('offline');
  expect(markOf(status(0, { basis: 'lease', stop_at: 1 }))).toBe('warning');
  expect([3, 10, 12].map((code) => markOf(status(code)))).toEqual(['busy', 'signed_out', 'stopped']);
});

it('shortens a service to its host', () => {
  expect(hostOf('https://licence.example/a')).toBe('licence.example');
  expect(hostOf('http://127.0.0.1:8080')).toBe('127.0.0.1:8080');
  expect(hostOf('no address')).toBe('no address');
});

it('cuts the ring into days, and lights those that are left', () => {
  const arcs = (path: string) => path.split('M').length - 1;
  expect(arcs(ringPath(1, 30))).toBe(30);
  expect(arcs(ringPath(0.5, 30))).toBe(15);
  expect(arcs(ringPath(2.5 / 30, 30))).toBe(3);
  expect(ringPath(0, 30)).toBe('');
  expect(arcs(ringPath(1, 365))).toBe(1);
  expect(arcs(ringPath(0.25, 0))).toBe(1);
  expect(ringPath(0.25, 0)).toBe('M100 10A90 90 0 0 1 190 100');
  expect(ringPath(Number.NaN, 30)).not.toContain('NaN');
});
