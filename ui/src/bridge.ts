// The only place that knows Tauri: one View in, named commands out.

import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { Failure, OwnDevices, SentField, SessionWish, SignInMethod, Timestamp, View } from './view';

/** How the user wants to sign in; whichever way is open already, else the browser, when nothing is said. */
export interface SignInWish {
  email?: string;
  method?: SignInMethod;
}

/** A QR code: its modules in each direction, and the dark ones as an SVG path. */
export interface Qr {
  size: number;
  path: string;
}

export interface Locale {
  language: string;
  timeZone: string | null;
}

/** What the pages may ask of the app. Every promise rejects with a {@link Failure}. */
export interface Bridge {
  /** The whole state, now and whenever it changes; null while the agent cannot be reached. */
  watch(told: (view: View | null) => void): Promise<void>;
  /** Called with a screen's name when somebody wants that screen shown. */
  onShow(show: (screen: string) => void): Promise<void>;
  initialScreen(): Promise<string>;
  locale(): Promise<Locale>;
  signIn(service: string | null, wish?: SignInWish): Promise<void>;
  /** The address with the code in it; null where the provider offers none. */
  signInQr(): Promise<Qr | null>;
  openSignIn(): Promise<void>;
  copySignInLink(): Promise<void>;
  cancelSignIn(): Promise<void>;
  signOut(service: string | null): Promise<void>;
  check(): Promise<void>;
  prepareOffline(): Promise<{ until: Timestamp | null }>;
  /** The user's own devices at a service. */
  devices(service: string | null): Promise<OwnDevices>;
  /** Gives one of them up; where it is this very computer, installed anew, its place goes over. */
  releaseDevice(service: string | null, device: string, sameMachine: boolean): Promise<void>;
  /** What becomes of the session that this device and another one want. */
  session(product: string, wish: SessionWish): Promise<void>;
  /** One product by its key, or everything. */
  reset(product: string | null): Promise<void>;
  privacy(): Promise<SentField[]>;
  copyText(text: string): Promise<void>;
}

export const tauri: Bridge = {
  async watch(told) {
    const channel = new Channel<View | null>();
    channel.onmessage = told;
    await invoke('watch', { channel });
  },
  async onShow(show) {
    await listen<string>('show', (event) => show(event.payload));
  },
  initialScreen: () => invoke('initial_screen'),
  locale: () => invoke('locale'),
  signIn: (service, wish = {}) => invoke('sign_in', { service, email: wish.email ?? null, method: wish.method ?? null }),
  signInQr: () => invoke('sign_in_qr'),
  openSignIn: () => invoke('open_sign_in'),
  copySignInLink: () => invoke('copy_sign_in_link'),
  cancelSignIn: () => invoke('cancel_sign_in'),
  signOut: (service) => invoke('sign_out', { service }),
  check: () => invoke('check'),
  prepareOffline: () => invoke('prepare_offline'),
  devices: (service) => invoke('devices', { service }),
  releaseDevice: (service, device, sameMachine) => invoke('release_device', { service, device, sameMachine }),
  session: (product, wish) => invoke('session', { product, wish }),
  reset: (product) => invoke('reset', { product }),
  privacy: () => invoke('privacy'),
  copyText: (text) => invoke('copy_text', { text }),
};

/** What a rejected promise says, whatever it was rejected with. */
export function failureOf(reason: unknown): Failure {
  if (typeof reason === 'object' && reason !== null && 'problem' in reason) {
    const { problem, detail } = reason as { problem: unknown; detail?: unknown };
    return { problem: String(problem), detail: typeof detail === 'string' ? detail : '' };
  }
  return { problem: 'internal', detail: String(reason) };
}
