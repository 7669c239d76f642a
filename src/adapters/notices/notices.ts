/** A connection by which notices arrive. */
export interface NoticeConnection {
  /** Asks the other end for an answer; every notice that was sent before it has arrived when this resolves. */
  ping(): Promise<void>
  /** Ends the connection, in bounded time, whatever state it is in. Never throws. */
  close(): Promise<void>
}

/** What a connection tells while it is open. */
export interface NoticeHandlers {
  onNotice(): void
  /** The connection is of no more use. */
  onLost(): void
}

/** Connects and subscribes, in bounded time; a connection that it cannot hand out is closed again. */
export type ConnectNotices = (handlers: NoticeHandlers) => Promise<NoticeConnection>

/** Listens to one channel of the database. */
export type Listen = (channel: string, handlers: NoticeHandlers) => Promise<NoticeConnection>

/** How an instance hears that the log has grown. Only that: what was written is always read from the log. */
export interface NoticeSource {
  readonly connect: ConnectNotices
  /** Tells the others; missing where the log tells them by itself. Never throws, and takes bounded time. */
  publish?(): Promise<void>
  /** Whether a notice can get lost on a connection that lives, so that the log is read regularly as well. */
  readonly lossy: boolean
}
