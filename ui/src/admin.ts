// The message that a user sends to whoever assigns seats: all that they need to know, and nothing else.

import { Code } from './codes';
import type { Words } from './strings';
import type { AccountView, ProductView } from './view';

export function adminMessage(words: Words, product: ProductView, account: AccountView | undefined): string {
  const { status } = product;
  const user = account?.user;
  const named = user ? [user.name, user.email === user.name ? null : user.email] : [];
  const reason = status.code === Code.SubscriptionEnded ? 'subscription-ended' : 'not-assigned';
  return words.message(`ask-admin-${reason}`, {
    product: product.name,
    version: product.version,
    account: named.filter((part) => part !== null).join(', ') || '—',
    org: product.org ?? '—',
    service: product.service,
    code: String(status.code),
    name: status.name,
  });
}
