import { loggerOptions } from '../../../src/http/log/logger-options.js'

/** The service's logger at `level`, with its lines kept. */
export function keptLog(level: string) {
  const written: string[] = []
  return {
    logger: { ...loggerOptions(level), stream: { write: (line: string) => void written.push(line) } },
    /** Everything that was written. */
    text: () => written.join(''),
    /** The lines, parsed. */
    lines: () => written.map((line): Readonly<Record<string, unknown>> => JSON.parse(line)),
    clear: () => void written.splice(0)
  }
}
