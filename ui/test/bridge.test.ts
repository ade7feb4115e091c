import { mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, expect, it } from 'vitest';

import { failureOf, tauri } from '../src/bridge';
import type { View } from '../src/view';
import { fixture } from './window';

const asked: [string, unknown][] = [];
afterEach(() => asked.splice(0));

it('names the commands as the app does', async () => {
  mockIPC((command, args) => void asked.push([command, args]));
  await tauri.initialScreen();
  await tauri.locale();
  await tauri.signIn('https://licence.example');
  await tauri.signIn(null);
  await tauri.signIn(null, { email: 'maya@nord.example', method: 'device_code' });
  await tauri.signInQr();
  await tauri.openSignIn();
  await tauri.copySignInLink();
  await tauri.cancelSignIn();
  await tauri.signOut('https://licence.example');
  await tauri.check();
  await tauri.prepareOffline();
  await tauri.reset('ATLAS');
  await tauri.reset(null);
  await tauri.privacy();
  await tauri.copyText('text');
  expect(asked).toEqual([
    ['initial_screen', {}],
    ['locale', {}],
    ['sign_in', { service: 'https://licence.example', email: null, method: null }],
    ['sign_in', { service: null, email: null, method: null }],
    ['sign_in', { service: null, email: 'maya@nord.example', method: 'device_code' }],
    ['sign_in_qr', {}],
    ['open_sign_in', {}],
    ['copy_sign_in_link', {}],
    ['cancel_sign_in', {}],
    ['sign_out', { service: 'https://licence.example' }],
    ['check', {}],
    ['prepare_offline', {}],
    ['reset', { product: 'ATLAS' }],
    ['reset', { product: null }],
    ['privacy', {}],
    ['copy_text', { text: 'text' }],
  ]);
});

it('watches through a channel', async () => {
  let tell: (view: View | null) => void = () => {};
  mockIPC((_, args) => {
    const { channel } = args as { channel: { onmessage: (view: View | null) => void } };
    tell = channel.onmessage;
  });
  const told: (View | null)[] = [];
  await tauri.watch((view) => told.push(view));
  tell(fixture('licensed'));
  tell(null);
  expect(told).toEqual([fixture('licensed'), null]);
});

it('makes a failure of whatever a command is rejected with', () => {
  expect(failureOf({ problem: 'offline', detail: 'no route' })).toEqual({ problem: 'offline', detail: 'no route' });
  expect(failureOf({ problem: 'offline' })).toEqual({ problem: 'offline', detail: '' });
  expect(failureOf(new Error('gone'))).toEqual({ problem: 'internal', detail: 'Error: gone' });
});
