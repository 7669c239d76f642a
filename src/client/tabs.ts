import type { Browser } from './surroundings.js'

/** What a tab tells the others of its browser. It is told to pages of the same origin only, and stored nowhere. */
export type News =
  | { readonly sessionId: string; readonly accessToken: string | undefined; readonly until: number }
  | { readonly sessionId: string; readonly ended: string }

export interface Tabs {
  tell(news: News): void
  close(): void
}

/** `hear` is called with what other tabs tell. Where there is no channel, nobody tells and nobody hears. */
export function otherTabs(name: string, browser: Browser | undefined, hear: (news: News) => void): Tabs {
  const channel = browser?.openChannel?.(name)
  if (channel) channel.onmessage = ({ data }) => hear(data as News)
  return {
    tell: (news) => channel?.postMessage(news),
    close: () => channel?.close()
  }
}
