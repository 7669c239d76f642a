import { attempt, type Browser } from './runtime.js'

export interface SignedInMessage {
  readonly sessionId: string
  readonly accessToken: string | undefined
  /** When the access token expires, in milliseconds since the epoch. */
  readonly until: number
}

/** Sent to the other tabs of the same origin, and never stored. */
export type TabMessage = SignedInMessage | { readonly sessionId: string; readonly ended: string }

/** `onMessage` is called with each message of another tab. If `BroadcastChannel` fails, nothing is sent or received. */
export function openTabChannel(name: string, browser: Browser | undefined, onMessage: (message: TabMessage) => void) {
  const channel = attempt(() => browser?.BroadcastChannel && new browser.BroadcastChannel(name))
  if (channel) {
    channel.onmessage = ({ data }) => {
      // Other scripts of this origin can send anything.
      if (typeof (data as TabMessage | undefined)?.sessionId === 'string') onMessage(data as TabMessage)
    }
  }
  return {
    post: (message: TabMessage) => attempt(() => channel?.postMessage(message)),
    close: () => attempt(() => channel?.close())
  }
}
