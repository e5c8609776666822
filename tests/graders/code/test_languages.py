"""Programs in other languages, on a real engine whose image has them; those it lacks are told, never wrong."""

from typing import Any

import pytest

from cotfactory.graders.code.compiled import SMALLEST, has_language
from cotfactory.graders.code.grade_code import grade_code
from cotfactory.graders.code.program import extract_program
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.judging import Language
from tests.graders.code.test_judges import stdio, written
from tests.graders.programs import SandboxOnly, attempt

CPP = """#include <bits/stdc++.h>
int main() {
    long long a, sum = 0;
    while (std::cin >> a) sum += a;
    std::cout << sum << std::endl;
}"""
JAVASCRIPT = (
    "console.log(require('fs').readFileSync(0, 'utf8').trim().split(/\\s+/).reduce((sum, a) => sum + Number(a), 0))"
)
JAVA = """import java.util.*;
public class Sum {
    public static void main(String[] args) {
        Scanner given = new Scanner(System.in);
        long sum = 0;
        while (given.hasNextLong()) sum += given.nextLong();
        System.out.println(sum);
    }
}"""
GO = """package main
import "fmt"
func main() {
    sum, a := 0, 0
    for { if _, err := fmt.Scan(&a); err != nil { break }; sum += a }
    fmt.Println(sum)
}"""
RUST = """use std::io::Read;
fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    println!("{}", text.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum::<i64>());
}"""
SUMS: dict[Language, str] = {"cpp": CPP, "javascript": JAVASCRIPT, "java": JAVA, "go": GO, "rust": RUST}


QUICKLY_COMPILED = """#include <cstdio>
int main() {
    int a, sum = 0;
    while (std::scanf("%d", &a) == 1) sum += a;
    std::printf("%d", sum);
}"""
"""All headers together take the compiler two seconds."""

CPP17 = """#include <cstdio>
int main() {
    const char* number = u8"%d";
    int a, sum = 0;
    while (std::scanf(number, &a) == 1) sum += a;
    std::printf(number, sum);
}"""
"""No C++20: a `u8` text is of another type there."""


def graded(program: str, fence: str, sandbox: Sandbox, **fields: Any) -> tuple[str, str]:
    problem = written({**stdio("1 2 3\n", "6\n")}, **fields)
    grade = grade_code(problem, attempt(f"```{fence}\n{program}\n```"), SandboxOnly(sandbox))
    return grade.verdict, grade.reason


@pytest.fixture
def language(request: pytest.FixtureRequest, sandbox: Sandbox) -> Language:
    if not has_language(request.param, sandbox):
        pytest.skip(f"the image has no {request.param}")
    found: Language = request.param
    return found


@pytest.mark.docker
@pytest.mark.parametrize("language", list(SUMS), indirect=True)
def test_a_program_is_compiled_and_run(language: Language, sandbox: Sandbox) -> None:
    assert graded(SUMS[language], language, sandbox) == ("correct", "passed")
    assert graded(SUMS[language], language, sandbox, language=language) == ("correct", "passed")
    assert graded(SMALLEST[language], language, sandbox) == ("incorrect", "wrong_result")


@pytest.mark.docker
@pytest.mark.parametrize("language", list(SUMS), indirect=True)
def test_what_is_no_program_is_wrong(language: Language, sandbox: Sandbox) -> None:
    reason = "raised" if language == "javascript" else "does_not_compile"
    assert graded("this is ( no program", language, sandbox) == ("incorrect", reason)


@pytest.mark.docker
@pytest.mark.parametrize("language", ["cpp", "javascript"], indirect=True)
def test_a_program_cannot_say_that_its_language_is_missing(language: Language, sandbox: Sandbox) -> None:
    program = "int main() { return 80; }" if language == "cpp" else "process.exit(80)"
    assert graded(program, language, sandbox) == ("incorrect", "raised")


@pytest.mark.docker
@pytest.mark.parametrize("language", ["cpp"], indirect=True)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("for (;;) {}", "timeout"),
        ("std::vector<char> all; for (;;) all.insert(all.end(), 1 << 24, 1);", "memory_limit"),
        ('for (;;) puts("6");', "output_limit"),
        ("int* nowhere = nullptr; *nowhere = 6; std::cout << *nowhere;", "crashed"),
        ("return 3;", "raised"),
        # not the program's own executable, nor a file that can be executed
        ('std::cout << (std::ofstream("/proc/self/exe").good() ? 6 : 7);', "wrong_result"),
        ('std::ofstream("x") << "#!/bin/sh\\necho 6"; system("chmod +x x && ./x");', "wrong_result"),
        # descriptors, rights and network are those of every program
        ("for (int f = 3; f < 256; f++) if (fcntl(f, F_GETFD) != -1) std::cout << f;", "wrong_result"),
        ("std::cout << (setuid(0) == 0 ? 6 : 7);", "wrong_result"),
        ("std::cout << (socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 6 : 7);", "wrong_result"),
    ],
)
def test_a_compiled_program_is_held_like_any_other(
    language: Language, body: str, reason: str, sandbox: Sandbox
) -> None:
    names = ("cstdio", "cstdlib", "fstream", "iostream", "vector", "fcntl.h", "sys/socket.h", "unistd.h")
    headers = "".join(f"#include <{name}>\n" for name in names)
    assert graded(f"{headers}int main() {{ {body} }}", "cpp", sandbox) == ("incorrect", reason)
    assert graded(QUICKLY_COMPILED, "cpp", sandbox) == ("correct", "passed")  # and the next one is not touched


@pytest.mark.docker
@pytest.mark.parametrize("language", ["cpp"], indirect=True)
def test_a_compiler_is_held_too(language: Language, sandbox: Sandbox) -> None:
    # what would be compiled for ever, and what it must not read
    endless = "template <int N> struct T { using A = typename T<N + 1>::A; using B = typename T<N + 2>::B; };\n"
    verdict, reason = graded(endless + "T<0>::A a; int main() {}", "cpp", sandbox)
    assert (verdict, reason) in {
        ("incorrect", "does_not_compile"),
        ("incorrect", "timeout"),
        ("incorrect", "memory_limit"),
    }
    assert graded('#include "/dev/stdin"\nint main() {}', "cpp", sandbox)[0] == "incorrect"
    assert graded(CPP, "cpp", sandbox) == ("correct", "passed")


@pytest.mark.docker
@pytest.mark.parametrize("language", ["cpp"], indirect=True)
def test_a_checker_may_be_compiled(language: Language, sandbox: Sandbox) -> None:
    code = (
        "#include <fstream>\nint main(int, char** names) { std::ifstream output(names[2]); int n = 0; output >> n;"
        " return n == 7 ? 0 : 1; }"
    )
    checker = {"language": "cpp", "code": code, "arguments": ["input", "output", "answer"]}
    assert graded("print(7)", "python", sandbox, checker=checker) == ("correct", "passed")
    assert graded("print(6)", "python", sandbox, checker=checker) == ("incorrect", "wrong_result")
    broken = {"language": "cpp", "code": "int main( {}"}
    assert graded("print(7)", "python", sandbox, checker=broken) == ("ungraded", "checker_failed")


@pytest.mark.docker
def test_a_language_that_the_image_lacks_is_not_the_programs_fault(sandbox: Sandbox) -> None:
    for language, program in SUMS.items():
        if not has_language(language, sandbox):
            assert graded(program, language, sandbox) == ("ungraded", "missing_language")
    assert has_language("python", sandbox)


@pytest.mark.parametrize(
    ("response", "asked", "found"),
    [
        ("```cpp\nint main() {}\n```", None, ("cpp", "int main() {}\n")),
        ("```C++\nint main() {}\n```\nIt prints:\n```\n6\n```", None, ("cpp", "int main() {}\n")),
        ("A draft:\n```cpp\nint x;\n```\n```python\nprint(input())\n```", None, ("python", "print(input())\n")),
        ("```cpp\nint x;\n```\n```cpp\nint main() {}\n```", "cpp", ("cpp", "int main() {}\n")),
        ("```python\nprint(input())\n```\n```cpp\nint main() {}\n```", "cpp", ("cpp", "int main() {}\n")),
        ("```\nint main() {}\n```", "cpp", ("cpp", "int main() {}\n")),
        ("```js\nconsole.log(6)\n```", None, ("javascript", "console.log(6)\n")),
        ("So:\n#include <cstdio>\nint main() {}", None, ("cpp", "#include <cstdio>\nint main() {}")),
        ("print(input())", None, ("python", "print(input())")),
        ("```python\nprint(input())\n```", "cpp", ("python", None)),  # another language than asked for
        ("```cpp\nint main() {", None, ("python", None)),
        ("```cpp\nint main() {", "cpp", ("python", None)),
        ("```text\n6\n```", None, ("python", None)),
    ],
)
def test_the_language_is_the_problems_or_that_of_the_block(
    response: str, asked: Language | None, found: tuple[str, str | None]
) -> None:
    extracted = extract_program(response, "Add all numbers.", None, asked)
    assert (extracted.language, extracted.program) == found


@pytest.mark.docker
@pytest.mark.parametrize("language", ["cpp"], indirect=True)
def test_what_is_no_longer_cpp_is_compiled_as_what_it_was(language: Language, sandbox: Sandbox) -> None:
    assert graded(CPP17, "cpp", sandbox) == ("correct", "passed")
    assert graded("int main() { return missing; }", "cpp", sandbox) == ("incorrect", "does_not_compile")
