/* A link of a known rate and delay on one machine, for root: two namespaces, which ip joins. The rate is that of tc's
 * tbf; the delay netem's, or where the kernel has none that of bench_delay.c, which then stands between the two.
 *
 *     const link = new Link(['a', 'b'], 'build/x86-64-v4/bench-delay');
 *     const seconds = link.start(1e9, 0.001);           bits a second, seconds one way; the round trip, measured
 *     spawnSync(...inNamespace('a', ['ping', '10.77.0.2']));
 *     link.remove();
 */
import { spawn, spawnSync } from 'node:child_process';

const device = 'eyelet0', mtu = 65000; /* as large as what the kernel puts on a link of its own at once */
const addressOf = (i) => `10.77.0.${i + 1}`;

export const inNamespace = (name, words) => ['ip', 'netns', 'exec', name, ...words];
const works = (words) => spawnSync(words[0], words.slice(1)).status === 0;

function run(words) {
    const { status, stdout, stderr } = spawnSync(words[0], words.slice(1), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
    return stdout;
}

export class Link {
    constructor(namespaces, program) {
        this.namespaces = namespaces;
        this.program = program;
        this.make();
        this.relays = !this.shape(['netem', 'rate', '1gbit', 'delay', '100us']);
        this.base = this.roundTrip();
    }

    /* What a bucket of tokens lets pass at once must hold what comes between two ticks of the kernel's clock. */
    burstOf(rate) {
        return Math.max(262144, Math.ceil(rate / 8 / 250));
    }

    shape(words) {
        return this.namespaces.every((name) => {
            const tc = (...more) => works(inNamespace(name, ['tc', 'qdisc', ...more]));
            tc('delete', 'dev', device, 'root');
            return words.length === 0 || tc('add', 'dev', device, 'root', ...words);
        });
    }

    remove() {
        this.relay?.kill('SIGKILL');
        this.relay = null;
        this.namespaces.forEach((name) => works(['ip', 'netns', 'delete', name]));
    }

    make() {
        const [a, b] = this.namespaces;
        this.remove();
        this.namespaces.forEach((name) => run(['ip', 'netns', 'add', name]));
        run(['ip', 'link', 'add', device, 'netns', a, 'type', 'veth', 'peer', 'name', device, 'netns', b]);
        this.configure([]);
    }

    /* A relay that holds packets back, in the place of what joins the namespaces. */
    makeHeld(seconds) {
        this.remove();
        this.namespaces.forEach((name) => run(['ip', 'netns', 'add', name]));
        this.relay = spawn(this.program, ['hold', `${1e6 * seconds}`, ...this.namespaces, device],
            { stdio: ['pipe', 'ignore', 'inherit'] });
        const there = (name) => works(['ip', '-n', name, 'link', 'show', device]);
        for (let tries = 0; !this.namespaces.every(there); tries++)
            if (tries === 500) throw new Error(`${this.program} hold does not start`);
        this.configure(['mtu', `${mtu}`, 'txqueuelen', '5000']);
    }

    configure(words) {
        this.namespaces.forEach((name, i) => {
            run(['ip', '-n', name, 'address', 'add', `${addressOf(i)}/24`, 'dev', device]);
            run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
            run(['ip', '-n', name, 'link', 'set', device, ...words, 'up']);
        });
    }

    roundTrip() {
        return 1e-6 * Number(run([this.program, 'ping', ...this.namespaces, addressOf(1)]));
    }

    /* Without a limit, through what stands between the two ends where there is a delay: what that takes by itself. */
    startUndelayed() {
        if (this.relays)
            this.makeHeld(0);
        this.shape([]);
    }

    /* No rate: no limit. What the relay takes by itself is part of the delay; what the two ends take is not. */
    start(rate = 0, delay = 0) {
        if (delay && this.relays) {
            this.makeHeld(0);
            const own = Math.max(0, this.roundTrip() - this.base) / 2;
            this.makeHeld(Math.max(0, delay - own));
        } else if (this.relay) {
            this.make();
        }
        const tbf = ['tbf', 'rate', `${rate}bit`, 'burst', `${this.burstOf(rate)}`, 'latency', '100ms'];
        const netem = ['netem', 'rate', `${rate}bit`, 'delay', `${1e6 * delay}us`, 'limit', '100000'];
        if (!this.shape(!rate ? [] : delay && !this.relays ? netem : tbf))
            throw new Error('tc cannot limit the rate here');
        return this.roundTrip();
    }
}
