// Headwater dashboard: what a page gains with JavaScript. Everything here is an addition: each page works without it.
const $ = (s, el = document) => el.querySelector(s), $$ = (s, el = document) => [...el.querySelectorAll(s)];
const on = (type, sel, fn) => document.addEventListener(type, e => { const el = e.target.closest?.(sel); if (el) fn(el, e); });

// The zone of the clocks here, for the times that the server writes from the next page on.
try { document.cookie = `headwater_zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}; path=/; max-age=34560000; samesite=lax`; } catch {}

// Theme: shown at once, and kept by the server.
on('click', '[data-theme-set]', (b, e) => { e.preventDefault(); const v = b.dataset.themeSet;
  v === 'system' ? delete document.documentElement.dataset.theme : document.documentElement.dataset.theme = v;
  $$('[data-theme-set]').forEach(x => x.setAttribute('aria-pressed', x.dataset.themeSet === v));
  const body = new URLSearchParams(new FormData(b.form)); body.set('theme', v);
  fetch(b.form.action, { method: 'POST', body, redirect: 'manual' }).catch(() => {}); });

// Toasts: one polite live region a page. What the server reports is there when the page comes.
const toast = (title, text = '', tone = 'ok') => { const t = $('#toast').content.cloneNode(true).firstElementChild;
  t.dataset.tone = tone; $('b', t).textContent = title; $('p', t).textContent = text; $('.toasts').append(t); setTimeout(() => t.remove(), 6000); };
on('click', '.toast button', b => b.closest('.toast').remove());

// Copy.
on('click', '[data-copy]', async b => { const from = b.dataset.copy.startsWith('#') ? $(b.dataset.copy) : null;
  const text = from ? (from.value ?? $$('.ln', from).map(l => l.textContent).join('\n')) : b.dataset.copy;
  try { await navigator.clipboard.writeText(text); toast('Copied'); } catch { toast('Not copied', 'The browser did not allow it. Select the text and copy it.', 'bad'); } });

// Dialogs. Without JavaScript the same buttons are links to a page that asks.
on('click', '[data-dialog]', (b, e) => { e.preventDefault(); b.closest('details.menu')?.removeAttribute('open'); $('#' + b.dataset.dialog).showModal(); });
on('click', '[data-close]', b => b.closest('dialog').close());
on('input', '[data-must]', i => { $('[type=submit]', i.form).disabled = i.value !== i.dataset.must; });

// A form is sent once; its button says that it is under way.
document.addEventListener('submit', e => { if (e.target.method !== 'post') return;
  if (e.target.dataset.sent) { e.preventDefault(); return; }
  e.target.dataset.sent = ''; e.submitter?.setAttribute('aria-busy', 'true'); });
window.addEventListener('pageshow', () => $$('form[data-sent]').forEach(f => { delete f.dataset.sent; $$('[aria-busy]', f).forEach(b => b.removeAttribute('aria-busy')); }));

// What is wrong with a form is read first.
$('[role=alert][tabindex]')?.focus();

// Menus close on Escape and on a click elsewhere.
document.addEventListener('click', e => $$('details.menu[open]').forEach(m => m.contains(e.target) || m.removeAttribute('open')));
document.addEventListener('keydown', e => { if (e.key === 'Escape') $$('details.menu[open]').forEach(m => { m.removeAttribute('open'); $('summary', m).focus(); }); });

// Filter forms are sent as they change; without JavaScript they have a button.
on('change', 'form.filters select', s => s.form.requestSubmit());

// Go to: Ctrl K, Cmd K, or /.
const palette = $('#palette');
document.addEventListener('keydown', e => {
  const typing = e.target.matches?.('input, textarea, select');
  if ((e.key === 'k' && (e.ctrlKey || e.metaKey)) || (e.key === '/' && !typing)) { e.preventDefault(); if (!palette?.open) palette?.showModal(); } });
if (palette) { const list = $$('li', palette), box = $('input', palette);
  const shown = () => list.filter(l => !l.hidden), pick = n => { list.forEach(l => delete l.dataset.on); const s = shown()[n]; if (s) { s.dataset.on = ''; s.scrollIntoView({ block: 'nearest' }); } };
  box.addEventListener('input', () => { list.forEach(l => l.hidden = !l.textContent.toLowerCase().includes(box.value.toLowerCase())); pick(0); });
  box.addEventListener('keydown', e => { const at = shown().findIndex(l => 'on' in l.dataset);
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); const n = shown().length; pick((at + (e.key === 'ArrowDown' ? 1 : n - 1)) % n); }
    if (e.key === 'Enter') { e.preventDefault(); const s = shown()[Math.max(at, 0)]; if (s) $('a', s).click(); } }); }

// Charts: the bucket under the pointer replaces the total; the table below holds the same for everyone.
on('pointerover', '.hit', h => { const f = h.closest('.chart'), o = $('output', f), a = $('.at', f);
  o.dataset.was ??= o.textContent; a.dataset.was ??= a.textContent; o.textContent = h.dataset.v; a.textContent = h.dataset.t; });
on('pointerout', '.plot svg', s => { for (const el of $$('output, .at', s.closest('.chart'))) if (el.dataset.was) el.textContent = el.dataset.was; });

// Tables: pick rows.
const picked = t => { const boxes = $$('tbody .pick', t), n = boxes.filter(b => b.checked).length, all = $('.pick-all', t), bar = $('.selection', t.closest('.panel'));
  if (all) { all.checked = n > 0 && n === boxes.length; all.indeterminate = n > 0 && n < boxes.length; }
  if (bar) { bar.hidden = !n; $('output', bar).textContent = n; } };
on('change', '.pick', b => picked(b.closest('table')));
on('change', '.pick-all', b => { $$('tbody .pick', b.closest('table')).forEach(x => x.checked = b.checked); picked(b.closest('table')); });
on('click', '[data-unpick]', b => { const t = $('table', b.closest('.panel')); $$('.pick', t).forEach(x => x.checked = false); picked(t); });

// Event types: a group box for all of its types, counts, search.
const count = root => { $$('details', root).forEach(g => { const all = $$('[name=event_type]', g), n = all.filter(b => b.checked).length, box = $('.whole', g);
    box.checked = n === all.length; box.indeterminate = n > 0 && n < all.length; $('.tally', g).textContent = `${n} of ${all.length}`; });
  const n = $$('[name=event_type]:checked', root).length; $$('[data-types]').forEach(o => o.textContent = n === 1 ? '1 event type' : `${n} event types`); };
const picker = $('.picker'); if (picker) {
  on('change', '.whole', b => { $$('[name=event_type]', b.closest('details')).forEach(x => x.checked = b.checked); count(picker); });
  on('change', '[name=event_type]', () => count(picker));
  on('click', '[data-pick-all]', b => { $$('[name=event_type]', picker).forEach(x => x.checked = b.dataset.pickAll === 'yes'); count(picker); });
  on('input', '#type-search', i => { const q = i.value.toLowerCase(); $$('li', picker).forEach(l => l.hidden = !l.textContent.toLowerCase().includes(q));
    $$('details', picker).forEach(g => { g.hidden = !$('li:not([hidden])', g); if (q) g.open = true; }); });
  count(picker); }

// Permissions: presets.
on('click', '[data-preset]', b => { const want = b.dataset.preset; $$('.matrix input:not(:disabled)').forEach(i => i.checked = want === 'all' || (want === 'read' && i.value.startsWith('read:')) || (want === 'streams' && /event_(streams|deliveries)|read:events/.test(i.value)));
  scopes(); });
const scopes = () => $$('[data-scopes]').forEach(o => o.textContent = $$('.matrix input:checked').length);
on('change', '.matrix input', scopes); scopes();

// Live parts: an element with data-live="URL" follows it. Each event says where its HTML goes; the server escapes it.
// It pauses by its button and while nobody looks, and goes on by itself after a break.
$$('[data-live]:not(button)').forEach(root => { let source = null, paused = false;
  const button = $(`button[data-live="#${root.id}"]`), keep = el => Number(el.dataset.keep ?? 100);
  const said = () => { if (!button) return; button.setAttribute('aria-pressed', !paused); $('span:last-child', button).textContent = paused ? 'Paused' : 'Live'; const dot = $('.dot', button); if (dot) dot.dataset.tone = paused ? 'none' : 'ok'; };
  const fragment = html => { const t = document.createElement('template'); t.innerHTML = html; return t.content; };
  const put = (e, how) => { const { at, html } = JSON.parse(e.data), el = document.getElementById(at); if (el) how(el, fragment(html)); };
  const close = () => { source?.close(); source = null; };
  const open = () => { if (source || paused || document.hidden) return; source = new EventSource(root.dataset.live);
    source.addEventListener('prepend', e => put(e, (el, part) => { [...part.children].forEach(c => c.classList.add('fresh')); el.prepend(part); while (el.children.length > keep(el)) el.lastElementChild.remove(); }));
    source.addEventListener('replace', e => put(e, (el, part) => el.replaceChildren(part)));
    source.addEventListener('end', () => { paused = true; close(); said(); }); };
  button?.addEventListener('click', () => { paused = !paused; paused ? close() : open(); said(); });
  document.addEventListener('visibilitychange', () => document.hidden ? close() : open());
  said(); open(); });
