// What a page looks like to those who see badly, or hear it read: texts that are too weak against what is behind them (WCAG 2.1,
// 1.4.3), and what can be used but has no name. Runs in the browser; the answer is a list of complaints.
const colour = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (text) => {
    colour.clearRect(0, 0, 1, 1);
    colour.fillStyle = text;
    colour.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = colour.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
};
const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, share, n) => {
    const part = c[n] / 255;
    return sum + share * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
}, 0);
const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest('.visually-hidden');
const complaints = new Set();

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const words = texts.currentNode.data.trim();
    if (!words || !seen(element) || element.closest('script, style, template, noscript, option, :disabled')) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    let ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    for (let at = element; at; at = at.parentElement) ink[3] *= getComputedStyle(at).opacity;
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const ratio = contrast(over(ink, ground), ground);
    if (ratio < wanted) complaints.add(`${ratio.toFixed(2)} < ${wanted}: ${JSON.stringify(words.slice(0, 40))} ${style.color} on ${ground.slice(0, 3).map(Math.round)}`);
}
const named = (element) => element.innerText.trim() || element.type === 'submit' && element.value || element.title || element.ariaLabel || element.getAttribute('aria-labelledby')
    || element.placeholder && element.type === 'search' || (element.labels || []).length || element.querySelector('img[alt]:not([alt=""])');
for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea')) {
    if (seen(element) && !named(element)) complaints.add(`no name: ${element.outerHTML.slice(0, 120)}`);
}
for (const element of document.querySelectorAll('img:not([alt])')) complaints.add(`no alt: ${element.outerHTML.slice(0, 120)}`);
if (!document.documentElement.lang) complaints.add('no language');
if (!document.querySelector('h1')) complaints.add('no h1');
for (const element of document.querySelectorAll('td, .datagrid-content, .card-body div')) {
    if (/\b(null|undefined|NaN)\b/.test(element.innerText)) complaints.add(`says ${element.innerText.slice(0, 60)}`);
}
return [...complaints];
