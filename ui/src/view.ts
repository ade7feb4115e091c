// The agent's View as it travels: crates/core/src/view.rs, code.rs, notice.rs and lease.rs, and the replies of
// crates/ipc/src/messages.rs that the window asks for. Times are milliseconds since 1970, unless they say otherwise.

export type Timestamp = number;

/** Time left, as people count it: days, and hours under 24 h. */
export type Left = { days: number } | { hours: number };

export type Basis = 'lease' | 'grace' | 'final_warning' | 'outage' | 'temporary';

export interface DeviceEntry {
  id: string;
  name: string;
  system: string;
  /** In seconds. */
  last_seen: number;
}

/** One of the user's own devices. */
export interface OwnDevice extends DeviceEntry {
  holds_place: boolean;
  in_use: boolean;
  this: boolean;
}

export interface OwnDevices {
  devices: OwnDevice[];
  releases_left: number;
}

/** What becomes of a session that two devices want. */
export type SessionWish = 'take_over' | 'hand_over';

/** A device that waits for a session that this one has. */
export interface WaitingDevice {
  name: string;
  /** In seconds. */
  asked_at: number;
}

export interface RefusalDetail {
  devices?: DeviceEntry[];
  holder?: DeviceEntry;
  /** In seconds. */
  holder_since?: number;
  may_take_over?: boolean;
  minimum_version?: string;
  contact?: string;
}

export interface StatusView {
  code: number;
  name: string;
  basis?: Basis;
  /** Why the days are counted: `offline`, `neither_answers`, `identity_outage`, `overdue`, `outdated` or `subscription`. */
  away?: string;
  reason?: string;
  /** With `network_blocked`: the host that is out of reach, and what stands in the way. */
  obstacle?: { host: string; by: string };
  /** With `waiting_for_other`: the licensing service of the sign-in that is open. */
  waiting_for?: string;
  /** With `clock_wrong`: by how many minutes the clock is ahead, where that is known. */
  clock_ahead?: number;
  since?: Timestamp;
  until?: Timestamp;
  left?: Left;
  stop_at?: Timestamp;
  detail?: RefusalDetail;
}

export interface ProductView {
  product: string;
  version: string;
  name: string;
  publisher: string;
  service: string;
  status: StatusView;
  open: number;
  checked_at: Timestamp | null;
  /** In seconds. */
  offline_for: number | null;
  org: string | null;
}

export interface UserView {
  name: string;
  email: string | null;
  issuer: string;
}

export type Reach =
  | 'unknown'
  | 'online'
  | 'doubtful'
  | 'offline'
  | 'neither_answers'
  | 'identity_outage'
  | 'licensing_outage';

export interface AccountView {
  service: string;
  user: UserView | null;
  reach: Reach;
  checked_at: Timestamp | null;
  next_check_at: Timestamp | null;
  checking: boolean;
  release_waiting: boolean;
  session_awaited: WaitingDevice[];
}

export type SignInMethod = 'browser' | 'device_code';

/** What the user types in a browser elsewhere (RFC 8628). */
export interface UserCode {
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string | null;
}

export interface SignInView {
  attempt: number;
  service: string;
  method: SignInMethod;
  phase: 'starting' | 'waiting_for_user' | 'finishing';
  issuer: string | null;
  url: string | null;
  code: UserCode | null;
  since: Timestamp;
  until: Timestamp;
}

export type SignInEnd = { attempt: number; method: SignInMethod } & (
  | { result: 'signed_in' | 'cancelled' | 'denied' | 'expired' | 'abandoned' }
  | { result: 'failed'; problem: string; detail: string }
);

export type Line =
  | { line: 'no_products' | 'signed_out' | 'signing_in' | 'checking' | 'vault_locked' }
  | { line: 'licensed' | 'sign_in_again'; user: string }
  | { line: 'offline' | 'final'; away?: string; product: string; left: Left; until: Timestamp }
  | { line: 'outage'; reach: Reach }
  | { line: 'stopped'; product: string; code: number; stop_at: Timestamp | null };

export type Headline = { icon: string } & Line;

export interface View {
  revision: number;
  at: Timestamp;
  headline: Headline;
  accounts: AccountView[];
  products: ProductView[];
  sign_in: SignInView | null;
  last_sign_in: SignInEnd | null;
  problems: string[];
  /** By how many minutes the computer's clock is ahead (negative: behind), where it is known to be wrong. */
  clock_ahead?: number;
}

/** One field of what a check sends. */
export interface SentField {
  field: string;
  value: string;
}

/** Why a command was not done: a stable key with a sentence in the words, and detail for support. */
export interface Failure {
  problem: string;
  detail: string;
}
