/* Keeps the site for use without a network, where `make site` wrote it: such a page has a manifest, and beside it
 * stands service_worker.js. A page served from the sources has neither, so that a change is seen at once.
 *
 *     keepOffline(); */
export function keepOffline() {
    const isSite = document.querySelector('link[rel="manifest"]');
    if (!isSite || !window.isSecureContext || !navigator.serviceWorker)
        return;
    const register = async () => {
        const registration = await navigator.serviceWorker.register('service_worker.js', { updateViaCache: 'none' })
            .catch(() => null); /* private windows have none: the page works with the network */
        addEventListener('beforeunload', () => registration?.active?.postMessage('leaving'));
    };
    if (document.readyState === 'complete')
        register();
    else
        addEventListener('load', register); /* not before the page itself has what it needs */
}
