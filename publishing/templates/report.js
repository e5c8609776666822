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
  document.querySelectorAll(".list button").forEach((one) => one.setAttribute("aria-current", String(one === button)));
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
    if (chain[name] !== "") parts.push(element("h3", name), element("pre", chain[name]));
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
["search", "outcome", "teacher", "domain"].forEach((id) => byId(id).addEventListener("input", filter));
filter();
