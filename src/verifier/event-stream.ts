/** One server-sent event. */
export interface StreamEvent {
  /** The last id up to this event; empty if there was none. */
  readonly id: string
  readonly type: string
  readonly data: string
}

const maxCharacters = 64 * 1024

/**
 * Parses server-sent events (HTML Living Standard §9.2). Each call takes the next piece of text and returns the events
 * that it completes. Throws if a line or an event is too long.
 */
export function eventStreamReader(): (text: string) => StreamEvent[] {
  let pending = ''
  let id = ''
  let type = 'message'
  let data: string[] = []
  let size = 0

  function addField(line: string): void {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') id = value
    if (name === 'event') type = value
    if (name === 'data') data.push(value)
    size += line.length
    if (size > maxCharacters) throw new Error('an event is too long')
  }

  function endEvent(): StreamEvent[] {
    const events = data.length > 0 ? [{ id, type, data: data.join('\n') }] : []
    type = 'message'
    data = []
    size = 0
    return events
  }

  return (text) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop() ?? ''
    if (pending.length > maxCharacters) throw new Error('a line is too long')
    return lines.flatMap((line) => {
      const field = line.replace(/\r$/, '')
      if (field === '') return endEvent()
      addField(field)
      return []
    })
  }
}
