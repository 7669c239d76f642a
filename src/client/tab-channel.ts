import type { Browser } from './runtime.js'

/** Sent to the other tabs of the same origin, and never stored. `until` is in milliseconds since the epoch. */
export type TabMessage =
  | { readonly sessionId: string; readonly accessToken: string | undefined; readonly until: number }
  | { readonly sessionId: string; readonly ended: string }

/** `onMessage` is called with each message of another tab. Without `BroadcastChannel` nothing is sent or received. */
export function openTabChannel(name: string, browser: Browser | undefined, onMessage: (message: TabMessage) => void) {
  const channel = browser?.openChannel?.(name)
  if (channel) channel.onmessage = ({ data }) => onMessage(data as TabMessage)
  return {
    post: (message: TabMessage) => channel?.postMessage(message),
    close: () => channel?.close()
  }
}
