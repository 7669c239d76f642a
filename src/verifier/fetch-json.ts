import type { Runtime } from './runtime.js'

const maxBytes = 256 * 1024

/** Fetches a JSON document. Rejects with what was wrong if it cannot be had. */
export async function fetchJson(
  { fetch }: Pick<Runtime, 'fetch'>,
  url: URL,
  milliseconds: number,
  signal?: AbortSignal
) {
  const timeout = AbortSignal.timeout(milliseconds)
  const response = await fetch(url, {
    // HTTP caches must not answer with an outdated document.
    headers: { accept: 'application/json', 'cache-control': 'no-cache' },
    redirect: 'error',
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`it answered ${response.status}`)
  }
  return { json: JSON.parse(await boundedText(response)) as unknown, headers: response.headers }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`its answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The error's message. `fetch` itself only says that it failed; its `cause` says why. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
