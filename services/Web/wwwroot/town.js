// Everything works without this file, except that things change by themselves.
"use strict";
(() => {
    const parts = () => document.querySelectorAll("[data-live][id]");
    const heard = document.getElementById("heard");
    const main = document.getElementById("main");
    const pause = 1000;
    const patience = { first: 5000, most: 60000 };
    let stream, looking, again, quiet, next, reopen, looked = -pause, wait = patience.first;

    // Half-filled forms, opened details and the focus outlive an exchange of the part they are in.
    const keep = part => {
        // Not form.id: that is the form's field of this name, where it has one.
        const fields = [...part.querySelectorAll("form[id]")].flatMap(form => [...form.elements]
            .filter(field => field.name && field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue)
            .map(field => [form.getAttribute("id"), field.name, field.value]));
        const open = [...part.querySelectorAll("details[id]")].map(details => [details.id, details.open]);
        const focused = part.contains(document.activeElement) ? document.activeElement : null;
        const at = focused && { id: focused.id, href: focused.getAttribute("href"), from: focused.selectionStart, to: focused.selectionEnd };
        return () => {
            for (const [form, name, value] of fields) {
                const field = document.getElementById(form)?.elements[name];
                if (field) field.value = value;
            }
            for (const [id, was] of open) {
                const details = document.getElementById(id);
                if (details) details.open = was;
            }
            if (at) {
                const next = (at.id && document.getElementById(at.id)) || (at.href && part.querySelector(`[href="${CSS.escape(at.href)}"]`)) || main;
                next.focus({ preventScroll: true });
                if (at.from != null && next.setSelectionRange) next.setSelectionRange(at.from, at.to);
            }
        };
    };

    const look = async () => {
        if (looking) { again = true; return; }
        const rest = looked + pause - performance.now();
        if (rest > 0) { next ??= setTimeout(() => { next = null; look(); }, rest); return; }
        looking = true;
        looked = performance.now();
        try {
            // What came with the address was said already.
            const address = new URL(location.href);
            address.searchParams.delete("said");
            const answer = await fetch(address, { headers: { Accept: "text/html" } });
            // What was shown is there no more; the page that says so shows nothing that could be gone again.
            if (answer.status === 404 && watched()) { location.reload(); return; }
            if (!answer.ok || answer.redirected) return;
            const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
            for (const part of parts()) {
                const now = fresh.getElementById(part.id);
                if (!now || now.textContent === part.textContent && now.querySelectorAll("*").length === part.querySelectorAll("*").length) continue;
                const restore = keep(part);
                part.replaceChildren(...now.childNodes);
                restore();
            }
            listen();
        } catch {
            // The stream comes back by itself, and then there is another look.
        } finally {
            looking = false;
            if (again) { again = false; look(); }
        }
    };

    // Other services may still be hearing of it: now, and once more when they have.
    const changed = () => { look(); clearTimeout(quiet); quiet = setTimeout(look, 1200); };

    const watched = () => [...new Set([...document.querySelectorAll("[data-product]")].map(e => e.dataset.product))].sort().slice(0, 100).join();

    const listen = () => {
        const products = watched();
        if (stream?.products === products && stream.readyState !== EventSource.CLOSED) return;
        stream?.close();
        stream = null;
        if (!products && !main.dataset.me) return;
        const opened = stream = new EventSource(`/live?products=${encodeURIComponent(products)}`);
        stream.products = products;
        stream.onopen = () => { wait = patience.first; changed(); };

        // A browser opens again what was cut off, and gives up for good what was answered by anything but a stream.
        stream.onerror = () => {
            if (opened !== stream || stream.readyState !== EventSource.CLOSED) return;
            clearTimeout(reopen);
            reopen = setTimeout(() => { if (!document.hidden) listen(); }, wait);
            wait = Math.min(2 * wait, patience.most);
        };
        stream.addEventListener("product", changed);
        stream.onmessage = e => {
            const notice = JSON.parse(e.data);
            const english = document.documentElement.lang === "en" && notice.messageEn;
            heard.lang = english ? "en" : "ko";
            heard.textContent = english || notice.message;
            clearTimeout(heard.timer);
            heard.timer = setTimeout(() => heard.textContent = "", 10000);
            changed();
        };
    };

    // A browser has few connections to one place: pages nobody looks at give theirs back.
    document.addEventListener("visibilitychange", () => {
        if (document.hidden) { stream?.close(); stream = null; } else listen();
    });
    addEventListener("pagehide", () => stream?.close());
    addEventListener("pageshow", e => { if (e.persisted) { stream = null; listen(); } });
    if (!document.hidden) listen();

    const near = document.getElementById("near");
    if (near && navigator.geolocation) {
        near.hidden = false;
        near.addEventListener("click", () => navigator.geolocation.getCurrentPosition(({ coords }) => {
            (document.getElementById("lat") ?? document.getElementById("latitude")).value = coords.latitude.toFixed(5);
            (document.getElementById("lon") ?? document.getElementById("longitude")).value = coords.longitude.toFixed(5);
        }));
    }
})();
