/** `REDIS_URL` names a server that cannot serve us, however often it is asked. */
export class UnsupportedRedis extends Error {
  override readonly name = 'UnsupportedRedis'
}

/** Errors of ioredis that only say that there is no connection. An error before says why. */
const uninformative = /^(Reached the max retries|Connection is closed|Stream isn't writeable|Command timed out)/

type Sentence = (place: string, words: string) => string

const sentences: readonly (readonly [RegExp, Sentence])[] = [
  [/^WRONGPASS|invalid password/, (place) => `${place} refuses the password`],
  [/^NOAUTH/, (place) => `${place} asks for a password, and REDIS_URL has none`],
  [/^READONLY/, (place) => `${place} is a replica (READONLY): name the primary`],
  [/ENOTFOUND|EAI_AGAIN/, (place, words) => `the host of ${place} is unknown (${words})`],
  [/ECONNREFUSED/, (place) => `${place} refuses connections`],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Command timed out/, (place) => `${place} does not answer`],
  [/Reached the max retries|Connection is closed|isn't writeable/, (place) => `there is no connection to ${place}`],
  [/All sentinels are unreachable/, (place, words) => `no Sentinel says where ${place} is (${words})`]
]

/** The key is at another node of a cluster. */
const elsewhere = /^(MOVED|ASK) /

/** Whether the error itself says why there is no answer. */
export const saysWhy = (error: unknown) => !uninformative.test(messageOf(error))

/** `error` with the cause in words, in one line and without credentials. */
export function explainRedisFault(error: unknown, place: string): Error {
  const message = messageOf(error)
  if (elsewhere.test(message)) {
    return new UnsupportedRedis(
      `${place} is a node of a Redis Cluster, which is not supported (MOVED): name one server, or Sentinels`
    )
  }
  const sentence = sentences.find(([texts]) => texts.test(message))?.[1]
  return new Error(sentence?.(place, quoted(message)) ?? `${place}: ${quoted(message)}`)
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Servers choose their words: they must stay on the line. */
const quoted = (words: string) => `"${words.slice(0, 300).replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')}"`
