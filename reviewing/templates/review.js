// Keys: 1, 2, 3 choose an answer, s goes to the steps, Enter saves. Everything works without them, too.
const form = document.querySelector("form");
const writes = (element) => element.matches("textarea, input:not([type=radio])");
document.addEventListener("keydown", (event) => {
  if (!form || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (writes(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const answer = form.querySelector(`input[data-key="${CSS.escape(event.key)}"]`);
  if (answer) {
    answer.checked = true;
    answer.focus();
  } else if (event.key === "s") {
    const steps = document.querySelectorAll("#steps input");
    if (steps.length) (document.querySelector("#steps input:checked") || steps[0]).focus();
  } else if (event.key === "Enter" && !event.target.matches("summary, a, button")) {
    form.requestSubmit();
  } else {
    return;
  }
  event.preventDefault();
});
// A form is sent once, however often somebody presses Enter.
if (form) form.addEventListener("submit", (event) => (form.dataset.sent ? event.preventDefault() : (form.dataset.sent = "yes")));
addEventListener("pageshow", () => form && delete form.dataset.sent);
