"""Rows in the shape in which their makers write them, with the traps that those files hold."""

from typing import Any

Row = dict[str, Any]


def gym_row(*output: Row, reward: float | None = 1.0, **more: Any) -> Row:
    return {
        "responses_create_params": {"input": [{"role": "user", "content": "What is 6 * 7?"}]},
        "agent_ref": {"type": "responses_api_agents", "name": "math"},
        "question": "What is 6 * 7?",
        "expected_answer": "42",
        "response": {"model": "policy", "status": "completed", "output": list(output)},
        "reward": reward,
        "_ng_task_index": 3,
        "_ng_rollout_index": 0,
        **more,
    }


def said(text: str) -> Row:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def thought(text: str) -> Row:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def node(role: str, content: str, parent: int | None, **more: Any) -> Row:
    return {"parent": parent, "message": {"role": role, "content": content, **more}, "sampled": role == "assistant"}


def episode(*nodes: Row, rewards: Row | None = None, **more: Any) -> Row:
    trace = {
        "version": 1,
        "id": "t1",
        "task": {"data": {"prompt": "What is 6 * 7?", "answer": "42", "id": "six-sevens"}},
        "nodes": list(nodes),
        "calls": [
            {"node": place, "model": "policy", "finish_reason": "stop"}
            for place, written in enumerate(nodes)
            if written["sampled"]
        ],
        "rewards": {"correct": {"score": 1.0, "weight": 1.0}} if rewards is None else rewards,
        "ok": True,
        "errors": [],
        "stop_condition": "done",
        **more,
    }
    return {"id": "e1", "env": "gsm8k", "task": "0", "run": "r", "ok": True, "errors": [], "traces": [trace]}


def openr1_row(*generations: str, **more: Any) -> Row:
    return {
        "problem": "What is 6 * 7?",
        "solution": "Six sevens are $\\boxed{42}$.",
        "answer": "42",
        "problem_type": "Algebra",
        "uuid": "u-1",
        "generations": list(generations),
        "is_reasoning_complete": [True for _ in generations],
        "finish_reasons": ["stop" for _ in generations],
        "correctness_math_verify": [True for _ in generations],
        "correctness_llama": None,
        **more,
    }
