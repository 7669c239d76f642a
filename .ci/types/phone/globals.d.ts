/** Of the globals that React Native declares in place of a browser's: those that the client's types name. */
declare class AbortSignal {
  readonly aborted: boolean
}
interface RequestInit {
  method?: string
  signal?: AbortSignal
}
interface Request {
  readonly url: string
}
interface Response {
  readonly ok: boolean
  json(): Promise<unknown>
}
declare function fetch(input: Request | string, init?: RequestInit): Promise<Response>
