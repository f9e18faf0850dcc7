/* The usual report of the tests, with what was skipped named before the closing totals ("# tests 512", "# pass 500", ...):
 *
 *     node --test --test-reporter=./tests/support/reporter.js --test-reporter-destination=stdout tests/core/*.test.js
 */
import { relative } from 'node:path';
import { tap } from 'node:test/reporters';

/* The events, with a line for each skipped test in front of the first line of the totals. */
export async function* withSkipped(events) {
    const lines = [];
    for await (const event of events) {
        const { type, data } = event;
        if (/^test:(pass|fail)$/.test(type) && data.skip !== undefined)
            lines.push(`SKIPPED ${relative('', data.file ?? '')}: ${data.name}${data.skip === true || !data.skip ? '' : `: ${data.skip}`}`);
        if (type === 'test:diagnostic' && data.nesting === 0 && /^tests \d+$/.test(data.message))
            for (const message of lines.splice(0)) yield { type, data: { nesting: 0, message } };
        yield event;
    }
}

export default async function* reporter(events) {
    yield* tap(withSkipped(events));
}
