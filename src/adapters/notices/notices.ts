/** Called by a `NoticeConnection` while it is open. */
export interface NoticeHandlers {
  /** Something has changed. A notice does not say what: the receiver reads that from the database. */
  onNotice(): void
  /** The connection is broken; close it and connect again. May be called more than once. */
  onLost(): void
}

/** An open connection that delivers notices. */
interface NoticeConnection {
  /**
   * Resolves when a notice that this process sent to itself has arrived; every notice sent before has arrived by then.
   * Rejects if it does not arrive, and on a broken connection.
   */
  ping(): Promise<void>
  /** Closes in bounded time, in any state. Never rejects. */
  close(): Promise<void>
}

/**
 * Connects and subscribes in bounded time. Rejects if the server cannot be reached or notices do not arrive, and then
 * leaves nothing open.
 */
export type ConnectNotices = (handlers: NoticeHandlers) => Promise<NoticeConnection>

/** How to subscribe to one channel of a database. */
export type Listen = (channel: string) => ConnectNotices

/** How this instance learns that another one has written to the revocation log. */
export interface NoticeSource {
  readonly connect: ConnectNotices
  /** Notifies the other instances. Missing where the database does it by itself. Takes bounded time, never rejects. */
  publish?(): Promise<void>
  /** Whether a notice can get lost on an open connection. Then an answered ping does not prove that all have arrived. */
  readonly lossy: boolean
}
