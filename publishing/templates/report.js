"use strict";
const chains = JSON.parse(document.getElementById("chains").textContent);
const byId = (id) => document.getElementById(id);
const texts = ["question", "reasoning", "response", "extracted_answer", "reference", "problem", "candidate_id"];
chains.forEach((chain) => {
  chain.outcome = chain.drop_reason === "" ? "kept" : "dropped: " + chain.drop_reason;
  chain.searched = texts.map((name) => chain[name]).join("\n").toLowerCase();
});

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Mathematics as Pandoc reads it: no blank inside the dollars, no digit after them, so that "$5 and $6" stays money.
const mathematics = /\\\[([^]{1,2000}?)\\\]|\\\(([^]{1,1000}?)\\\)|\$\$([^$]{1,2000})\$\$|\$(?![\s$])([^$\n]{1,300})(?<!\s)\$(?!\d)|(\\boxed\{(?:[^{}\n]|\{(?:[^{}\n]|\{[^{}\n]*\})*\}){0,300}\})/g;
const fenced = /^```([\w+#-]{0,20})[^\n]*\n([^]*?)^```[ \t]*$/gm;
const tokens = /(#[^\n]*|\/\/[^\n]*)|("""[^]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(\d[\w.]*)|\b(and|as|assert|auto|break|case|class|const|continue|def|del|elif|else|except|final|finally|fn|for|from|func|function|if|import|in|int|is|lambda|let|long|mut|new|not|or|package|pass|public|raise|return|static|struct|switch|try|using|var|vector|void|while|with|yield|None|True|False|null|true|false)\b/g;

function cutAt(pattern, text, found, between) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push(...between(text.slice(end, match.index)));
    parts.push(found(match));
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(...between(text.slice(end)));
  return parts;
}

function typeset(match) {
  const [whole, display, inline, dollars, dollar, boxed] = match;
  const made = element("span");
  try {
    katex.render(display || inline || dollars || dollar || boxed, made, {
      output: "mathml", displayMode: Boolean(display || dollars), throwOnError: true, strict: "ignore", trust: false,
      maxSize: 20, maxExpand: 100,
    });
    made.title = whole;
  } catch (error) {
    made.textContent = whole;  // what is no LaTeX stays as it was written
  }
  return made;
}

function coloured(match) {
  const code = element("code");
  code.append("```" + match[1] + "\n", ...cutAt(tokens, match[2], (token) => {
    const kind = ["comment", "string", "number", "keyword"].find((_, place) => token[place + 1] !== undefined);
    const made = element("span", token[0]);
    made.className = kind;
    return made;
  }, (text) => [text]), "```");
  return code;
}

function written(text) {
  const made = element("pre");
  const prose = (part) => byId("typeset") && byId("typeset").checked
    ? cutAt(mathematics, part, typeset, (rest) => [rest]) : [part];
  made.append(...cutAt(fenced, text, coloured, prose));
  return made;
}

function offer(id, name) {
  const counted = new Map();
  chains.forEach((chain) => counted.set(chain[name], (counted.get(chain[name]) || 0) + 1));
  [...counted.keys()].sort().forEach((value) => {
    const option = element("option", (value || "not stated") + " (" + counted.get(value) + ")");
    option.value = "=" + value;
    byId(id).append(option);
  });
}

function show(chain, button) {
  document.querySelectorAll(".list button").forEach((other) => other.setAttribute("aria-current", String(other === button)));
  const facts = element("dl");
  const told = {
    outcome: chain.outcome + (chain.detail && ": " + chain.detail),
    verdict: chain.verdict + " (" + chain.grader_reason + ")",
    "extracted answer": chain.extracted_answer || "none",
    "reference answer": chain.reference || "none: checked by tests",
    evidence: chain.evidence || "none",
    grader: chain.grader,
    teacher: chain.teacher,
    problem: chain.problem,
    domain: chain.domain || "not stated",
    labels: chain.flags.join(", ") || "none",
    "output tokens": chain.output_tokens + ", ended by " + chain.finish_reason,
    chain: chain.candidate_id,
  };
  Object.entries(told).forEach(([name, value]) => facts.append(element("dt", name), element("dd", value)));
  const parts = [facts];
  ["question", "reasoning", "response"].forEach((name) => {
    if (chain[name] !== "") parts.push(element("h3", name), written(chain[name]));
  });
  byId("chain").replaceChildren(...parts);
  byId("chain").scrollTop = 0;
}

function filter() {
  const wanted = byId("search").value.toLowerCase();
  const fits = (id, value) => byId(id).value === "" || byId(id).value === "=" + value;
  const found = chains.filter((chain) => fits("outcome", chain.outcome) && fits("teacher", chain.teacher)
    && fits("domain", chain.domain) && chain.searched.includes(wanted));
  byId("found").textContent = found.length + " of " + chains.length + " chains";
  const buttons = found.map((chain) => {
    const button = element("button");
    button.type = "button";
    button.append(element("span", chain.question), element("small", chain.outcome + " · " + chain.teacher));
    button.addEventListener("click", () => show(chain, button));
    return button;
  });
  byId("list").replaceChildren(...buttons);
  if (found.length > 0) show(found[0], buttons[0]);
  else byId("chain").replaceChildren(element("p", "No chain fits."));
}

offer("outcome", "outcome");
offer("teacher", "teacher");
offer("domain", "domain");
["search", "outcome", "teacher", "domain", "typeset"].forEach((id) => byId(id) && byId(id).addEventListener("input", filter));
filter();
