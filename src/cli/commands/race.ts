import { race, raceJson, raceReport } from '../../race-kit/index.js'
import { defineCommand, UsageError } from '../command.js'
import { jsonOption, printDone } from '../output.js'

/** A promise did not hold: exit code 1. */
class PromiseBroken extends Error {
  override readonly name = 'PromiseBroken'
}

export const raceService = defineCommand({
  name: 'race',
  summary: 'Try a running service with many clients, thieves and a bad network, and judge its answers.',
  details:
    'Registers users of its own (race-…@example.test) and deletes them again. Run the service with a short ' +
    'REFRESH_GRACE_SECONDS, such as 2, and RATE_LIMIT_ENABLED=false; never against one that people use.',
  options: {
    url: { type: 'string', multiple: true, summary: 'An instance of the service. At least one.' },
    clients: { type: 'string', summary: 'How many sessions race, 1 to 5000; 200 where not given.' },
    seconds: { type: 'string', summary: 'For how long, 1 to 3600; 60 where not given.' },
    seed: { type: 'string', summary: 'What is tried follows from this number; 1 where not given.' },
    'grace-seconds': { type: 'string', summary: "The service's REFRESH_GRACE_SECONDS, 1 to 300; 20 where not given." },
    ...jsonOption
  },
  operands: [],
  async run({ options: { url, clients, seconds, seed, 'grace-seconds': grace, ...style } }, context) {
    const [first, ...others] = (url ?? []).map(readUrl)
    if (first === undefined) throw new UsageError('--url is missing.')
    const result = await race({
      urls: [first, ...others],
      clients: readWhole('--clients', clients ?? '200', 1, 5000),
      seconds: readWhole('--seconds', seconds ?? '60', 1, 3600),
      seed: readWhole('--seed', seed ?? '1', 0, 2 ** 31 - 1),
      graceSeconds: readWhole('--grace-seconds', grace ?? '20', 1, 300)
    })
    printDone(context.terminal, style, raceReport(result).trimEnd(), raceJson(result))
    if (!result.held) throw new PromiseBroken('The service did not keep what it promises.')
  }
})

function readUrl(text: string): string {
  if (!/^https?:\/\/[^\s?#]+$/.test(text) || !URL.canParse(text)) {
    throw new UsageError('--url must be an http or https address without query and fragment.')
  }
  return text
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= least && number <= most))
    throw new UsageError(`${name} must be a whole number from ${least} to ${most}.`)
  return number
}
