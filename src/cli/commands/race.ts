import { race, raceJson, raceReport } from '../../race-kit/index.js'
import { defineCommand, readWhole, UsageError } from '../command.js'
import { jsonOption, printDone } from '../output.js'

/** The race found a broken promise. The process exits with code 1. */
class PromiseBroken extends Error {
  override readonly name = 'PromiseBroken'
}

export const raceService = defineCommand({
  name: 'race',
  summary: 'Test a running service with many clients, thieves and a bad network, and check its responses.',
  details:
    'Registers its own users (race-…@example.test) and deletes them afterwards. Run the service with a short ' +
    'REFRESH_GRACE_SECONDS, such as 2, and RATE_LIMIT_ENABLED=false; never against one that people use.',
  options: {
    url: { type: 'string', multiple: true, summary: 'The address of an instance of the service; at least one.' },
    clients: { type: 'string', summary: 'How many sessions race, 1 to 5000; 200 by default.' },
    seconds: { type: 'string', summary: 'For how long, 1 to 3600; 60 by default.' },
    seed: { type: 'string', summary: 'The same seed makes the same race; 1 by default.' },
    'grace-seconds': {
      type: 'string',
      summary: 'REFRESH_GRACE_SECONDS of a service without GET /features, 1 to 300; 20 by default.'
    },
    ...jsonOption
  },
  async run({ options: { url, clients, seconds, seed, 'grace-seconds': grace, ...style } }, context) {
    const [first, ...others] = (url ?? []).map(readUrl)
    if (first === undefined) throw new UsageError('--url is missing.')
    const result = await race({
      urls: [first, ...others],
      clients: readWhole('--clients', clients ?? '200', 1, 5000),
      seconds: readWhole('--seconds', seconds ?? '60', 1, 3600),
      seed: readWhole('--seed', seed ?? '1', 0, 2 ** 31 - 1),
      graceSeconds: grace === undefined ? undefined : readWhole('--grace-seconds', grace, 1, 300)
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
