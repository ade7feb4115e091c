// A bridge to nothing: it answers as if all went well, or as it is told, and remembers what it was asked.

import type { Bridge, Locale, Qr, SignInWish } from '../src/bridge';
import type { Failure, SessionWish } from '../src/view';
import { fields, NOW, own, ZONE } from './fixtures';
import { qr } from './qr';

export class StillBridge implements Bridge {
  readonly asked: string[] = [];
  /** What every command is rejected with, if anything. */
  failure: Failure | null = null;

  constructor(private readonly language = 'en') {}

  readonly locale = async (): Promise<Locale> => ({ language: this.language, timeZone: ZONE });
  readonly initialScreen = async () => '';
  readonly watch = async () => {};
  readonly onShow = async () => {};
  readonly signIn = (service: string | null, wish: SignInWish = {}) =>
    this.#answer(['signIn', String(service), ...Object.values(wish)].join(' '), undefined);
  readonly signInQr = () => this.#answer('signInQr', qr as Qr | null);
  readonly openSignIn = () => this.#answer('openSignIn', undefined);
  readonly copySignInLink = () => this.#answer('copySignInLink', undefined);
  readonly cancelSignIn = () => this.#answer('cancelSignIn', undefined);
  readonly signOut = (service: string | null) => this.#answer(`signOut ${service}`, undefined);
  readonly check = () => this.#answer('check', undefined);
  readonly prepareOffline = () => this.#answer('prepareOffline', { until: NOW + 30 * 86_400_000 as number | null });
  readonly devices = (service: string | null) => this.#answer(`devices ${service}`, own);
  readonly releaseDevice = (service: string | null, device: string, sameMachine: boolean) =>
    this.#answer(['releaseDevice', service, device, sameMachine].join(' '), undefined);
  readonly session = (product: string, wish: SessionWish) => this.#answer(`session ${product} ${wish}`, undefined);
  readonly reset = (product: string | null) => this.#answer(`reset ${product}`, undefined);
  readonly privacy = () => this.#answer('privacy', fields);
  readonly copyText = (text: string) => this.#answer(`copyText ${text}`, undefined);

  async #answer<T>(asked: string, answer: T): Promise<T> {
    this.asked.push(asked);
    if (this.failure !== null) throw this.failure;
    return answer;
  }
}
