import { connect, type Socket } from 'node:net'

export interface Response {
  readonly status: number
  readonly head: string
  readonly body: string
}

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Whole lines, each with its end. */
  readonly headers?: string
  readonly body?: string
  /** The content type of the body; JSON by default. */
  readonly type?: string
}

/**
 * One kept-alive HTTP/1.1 connection that sends one request at a time. It understands only as much HTTP as the
 * contenders send, so that it uses little CPU on the machine that it measures.
 */
export class HttpConnection {
  readonly #socket: Socket
  #text = ''
  #answer: ((response: Response) => void) | undefined
  #fail: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    // One character for each byte, because content-length counts bytes.
    socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (text: string) => this.#read(text))
    socket.on('error', (error) => this.#fail?.(error))
    socket.on('close', () => this.#fail?.(new Error('The connection was closed.')))
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject).once('connect', () => {
        socket.off('error', reject)
        resolve(new HttpConnection(socket))
      })
    })
  }

  send({ method, path, headers = '', body, type = 'application/json' }: Request): Promise<Response> {
    const length = body === undefined ? '' : `content-type: ${type}\r\ncontent-length: ${body.length}\r\n`
    return new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#fail = reject
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nhost: bench\r\n${headers}${length}\r\n${body ?? ''}`)
    })
  }

  close(): void {
    this.#fail = undefined
    this.#socket.destroy()
  }

  /** A response is complete with its last byte: its body has a length, or is in chunks (RFC 9112 §7.1). */
  #read(text: string): void {
    this.#text += text
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#text.slice(0, end)
    const body = this.#text.slice(end + 4)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const inChunks = length === undefined && /\r\ntransfer-encoding: chunked/i.test(head)
    if (inChunks ? !body.endsWith('0\r\n\r\n') : body.length < Number(length ?? 0)) return
    this.#text = ''
    this.#answer?.({ status: Number(head.slice(9, 12)), head, body })
  }
}
