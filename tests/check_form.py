#!/usr/bin/env python3
"""Holds the C files to one dialect, by their text alone: loops, tests of what
is no bool, section marks, include guards, tables of unit tests, comments,
switches over enums.  Silent where all is well.

usage: check_form.py [--root DIR] | --self-test
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

FOLDERS = ["include", "src", "tests"]
WIDTH = 80
# A line of a comment that the next line's first word would leave shorter than
# this was broken too early.
RAGGED = 70

WORD = re.compile(r"[A-Za-z_]\w*")
TOKEN = re.compile(
    r"[A-Za-z_]\w*|\d[\w.]*|->|\+\+|--|<<=|>>=|<<|>>|&&|\|\||"
    r"[-+*/%&|^=!<>]=|\.\.\.|\"\s*\"|'\s*'|[^\s\w]")
KEYWORDS = set("""if else for while do switch case default return goto break
    continue sizeof""".split())
PLAIN = r"(?:unsigned|signed|long|short|int|char|double|float|bool|\w+_t)"
TYPE = (r"(?:(?:static|const|volatile|inline|extern)\s+)*"
        r"(?:(?:struct|union|enum)\s+\w+|" + PLAIN + r"(?:\s+" + PLAIN +
        r")*|void|FILE|DIR|MYSQL)(?:\s+const)?")
DECLARATION = re.compile(
    r"(?<=[;{}\n])[ \t]*(" + TYPE + r")\s+(?=[*\w(])([^;{}]*(?:\{[^;]*\})?"
    r"[^;{}]*);")
FUNCTION = re.compile(r"^(" + TYPE + r")\s+(\**)(\w+)\(", re.M)
PARAMETER = re.compile(r"(" + TYPE + r")\s+(\**)(?:const\s+)?(\w+)((?:\[[^]]*"
                       r"\])*)\s*$")

# What the C library gives and is no bool.
LIBRARY = set("""strcmp strncmp strcasecmp strncasecmp memcmp strlen isatty
    ferror feof fflush fclose strtol access poll read write""".split())
LIBRARY_POINTERS = set("""strchr strrchr strstr memchr memmem malloc calloc
    realloc strdup fopen getenv""".split())


def blank(text):
    """The code alone: comments and what strings say become blanks, so that
    every place stays where it was."""
    def gone(m):
        s = m[0]
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[-1]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])*'", gone, text, flags=re.S)


def directives_gone(code):
    """Lines of the preprocessor become blanks as well."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                  lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.M)


def close_of(code, at):
    """The place behind the bracket that closes the one at AT."""
    depth = 0
    for i in range(at, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i + 1
    return len(code)


def split_top(text, sep=","):
    """Parts between separators outside of all brackets, with their places."""
    depth, start, out = 0, 0, []
    for i, ch in enumerate(text):
        if ch in "([{":
            depth += 1
        elif ch in ")]}":
            depth -= 1
        elif ch == sep and depth == 0:
            out.append((start, text[start:i]))
            start = i + 1
    out.append((start, text[start:]))
    return out


class Source:
    def __init__(self, root, path):
        self.rel = path.relative_to(root).as_posix()
        self.path = path
        self.text = path.read_text()
        self.with_directives = blank(self.text)
        self.code = directives_gone(self.with_directives)
        self.lines = self.text.split("\n")

    def line(self, at):
        return self.text.count("\n", 0, at) + 1

    def at(self, place, words):
        return f"{self.rel}:{self.line(place)}: {words}"

    def functions(self):
        """(name, place of the name, of the opening brace, of the end): KNF
        has its braces in column 0."""
        for m in re.finditer(r"^\{$", self.code, re.M):
            end = self.code.find("\n}", m.start())
            head = None
            for h in re.finditer(r"^(\w+)\(", self.code[:m.start()], re.M):
                head = h
            if head is not None and end != -1:
                yield head[1], head.start(), m.start(), end + 2


class Tree:
    def __init__(self, root):
        self.root = root
        self.sources = [Source(root, p) for d in FOLDERS
                        for p in sorted((root / d).rglob("*.[ch]"))]
        self.learn_types()
        self.learn_enums()

    def learn_types(self):
        """What functions return and fields are: name -> {(base, stars)}."""
        self.returns, self.fields = {}, {}
        for s in self.sources:
            for m in FUNCTION.finditer(s.code):
                self.returns.setdefault(m[3], set()).add(
                    (base_of(m[1]), len(m[2])))
            for m in re.finditer(r"\b(?:struct|union)\b(?:\s+\w+)?\s*\{",
                                 s.code):
                body = s.code[m.end() - 1:close_of(s.code, m.end() - 1)]
                for name, kind in declared(body):
                    self.fields.setdefault(name, set()).add(kind)
        for name in LIBRARY:
            self.returns.setdefault(name, set()).add(("int", 0))
        for name in LIBRARY_POINTERS:
            self.returns.setdefault(name, set()).add(("void", 1))

    def learn_enums(self):
        """The enumerators of enums that have a name."""
        self.enumerators = set()
        for s in self.sources:
            for m in re.finditer(r"\benum\s+\w+\s*\{", s.code):
                body = s.code[m.end():close_of(s.code, m.end() - 1) - 1]
                for _, part in split_top(body):
                    name = WORD.search(part)
                    if name:
                        self.enumerators.add(name[0])


def base_of(words):
    """bool of "static const bool"."""
    return " ".join(w for w in words.split() if w not in
                    ("static", "const", "volatile", "inline", "extern"))


def declarators(m):
    """(name, stars with dimensions, has an initializer, is a function, place)
    of each declarator of a DECLARATION."""
    for off, part in split_top(m[2]):
        d = re.match(r"\s*(\**)\s*(?:const\s+)?(\w+)\s*((?:\[[^]]*\]\s*)*)"
                     r"(?::\s*\d+\s*)?(=|\(|$)", part)
        if d:
            yield (d[2], len(d[1]) + d[3].count("["), d[4] == "=",
                   d[4] == "(", m.start(2) + off + d.start(2))
            continue
        d = re.match(r"\s*(\**)\(\*(?:const\s+)?(\w+)((?:\[[^]]*\])*)\)\(",
                     part)
        if d:
            yield d[2], len(d[1]), False, True, m.start(2) + off + d.start(2)


def declared(body):
    """(name, (base, stars)) of all that a text declares."""
    for m in DECLARATION.finditer(body):
        for name, stars, _, _, _ in declarators(m):
            yield name, (base_of(m[1]), stars)


# --- loops ---

def end_of_statement(code, at):
    """The place behind the statement that begins at AT."""
    m = re.compile(r"\s*").match(code, at)
    at = m.end()
    if at >= len(code):
        return at
    if code[at] == "{":
        return close_of(code, at)
    m = WORD.match(code, at)
    word = m[0] if m else ""
    if word in ("if", "for", "while", "switch"):
        at = end_of_statement(code, close_of(code, code.index("(", at)))
        other = re.compile(r"\s*else\b").match(code, at)
        if word == "if" and other:
            return end_of_statement(code, other.end())
        return at
    if word == "do":
        at = end_of_statement(code, m.end())
        return code.index(";", at) + 1
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if code[i] == ";" and depth == 0:
            return i + 1
    return len(code)


def loops_of(code):
    """(place, end, [(counter, its place)]) of each for; a head that sets
    anything else than names has a None among them."""
    for m in re.finditer(r"\bfor \(", code):
        head = m.end()
        init = code[head:code.index(";", head)]
        names = []
        for off, part in split_top(init):
            n = re.match(r"\s*(\w+)\s*=(?!=)([^=]|[=!<>]=)*$", part)
            names.append((n[1], head + off + n.start(1)) if n
                         else (None, head + off))
        yield m.start(), end_of_statement(code, m.start()), names


def is_local(code, name, own, loops):
    """Each use of the name stands in one for that sets it; none asks where
    it is kept."""
    used = False
    for m in re.finditer(r"(?<![\w.])(?<!->)" + name + r"\b", code):
        if m.start() in own:
            continue
        if re.search(r"(?<![&\w)\]])\s*&\s*$", code[:m.start()]):
            return False
        around = [lp for lp in loops if lp[0] < m.start() < lp[1]
                  and any(n == name for n, _ in lp[2])]
        if len(around) != 1:
            return False
        start, _, names = around[0]
        semicolon = code.index(";", start)
        if m.start() < semicolon and m.start() not in [p for _, p in names]:
            return False
        used = True
    return used


def counters_of(code):
    """name -> (base, stars) of what could stand in a for instead."""
    found, own = {}, {}
    for m in DECLARATION.finditer(code):
        for name, stars, init, func, at in declarators(m):
            own.setdefault(name, set()).add(at)
            found[name] = None if init or func or name in found \
                or "[" in m[2] and re.search(name + r"\s*\[", m[2]) \
                or re.match(r"static\b", m[1]) \
                or not stars and re.match(r"(?:const )?(struct|union)\b",
                                          m[1]) \
                else (" ".join(m[1].split()), stars)
    loops = list(loops_of(code))
    good = {n for n, t in found.items()
            if t and is_local(code, n, own[n], loops)}
    while True:
        bad = set()
        for _, _, names in loops:
            mine = {n for n, _ in names}
            if mine & good and (not mine <= good or len(
                    {found[n][0] for n in mine}) != 1):
                bad |= mine & good
        if not bad:
            return good, loops
        good -= bad


def check_loops(t):
    """A loop's counter is declared in its for."""
    bad = []
    for s in t.sources:
        for _, _, begin, end in s.functions():
            code = s.code[begin:end]
            good, loops = counters_of(code)
            for _, _, names in loops:
                for name, at in names:
                    if name in good:
                        bad.append(s.at(begin + at, f"{name} is declared "
                                        "outside of its for"))
    return bad


# --- tests of what is no bool ---

LOGIC = {"&&", "||"}
COMPARE = {"==", "!=", "<", ">", "<=", ">="}
ARITHMETIC = {"+", "-", "*", "/", "%", "<<", ">>"}
ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
LEFT_ENDS = LOGIC | ASSIGN | {"?", ":", ",", ";", "{", "}", "return", "case"}
RIGHT_ENDS = LOGIC | {"?", ":", ",", ";", "{", "}"}


class Tokens:
    """The tokens of a function and which brackets belong together."""

    def __init__(self, code):
        self.items = [(m[0], m.start()) for m in TOKEN.finditer(code)]
        self.words = [w for w, _ in self.items]
        self.match, stack = {}, []
        for i, w in enumerate(self.words):
            if w in "([{" and len(w) == 1:
                stack.append(i)
            elif w in ")]}" and len(w) == 1 and stack:
                o = stack.pop()
                self.match[o], self.match[i] = i, o

    def left(self, i):
        """Where the operand before token i begins."""
        j = i - 1
        while j >= 0:
            w = self.words[j]
            if w in (")", "]", "}") and j in self.match:
                j = self.match[j] - 1
                continue
            if w in ("(", "[") or w in LEFT_ENDS:
                break
            j -= 1
        return j + 1

    def right(self, i):
        """Where the operand behind token i ends."""
        j = i + 1
        while j < len(self.words):
            w = self.words[j]
            if w in ("(", "[", "{") and j in self.match:
                j = self.match[j] + 1
                continue
            if w in (")", "]") or w in RIGHT_ENDS:
                break
            j += 1
        return j

    def top(self, a, b):
        """The places of the tokens outside of brackets."""
        i = a
        while i < b:
            yield i
            i = self.match[i] + 1 if self.words[i] in ("(", "[", "{") \
                and i in self.match else i + 1

    def bare(self, a, b):
        """Without the brackets around the whole."""
        while a < b and self.words[a] == "(" and self.match.get(a) == b - 1:
            a, b = a + 1, b - 1
        return a, b


def is_binary(tk, i, a):
    """An operator between two operands, not before one.  A cast's bracket
    stands before one too."""
    if i == a:
        return False
    p = tk.words[i - 1]
    if p == ")":
        inside = tk.words[tk.match[i - 1] + 1:i - 1]
        return not (inside and re.fullmatch(TYPE, " ".join(
            w for w in inside if w != "*")))
    return (p == "]" or WORD.match(p) or p[0].isdigit()
            or p[0] in "\"'" or p in ("++", "--")) and p not in KEYWORDS


def operands(tk):
    """(first, end) of each expression that is asked whether it is true."""
    for i, w in enumerate(tk.words):
        if w in ("if", "while") and tk.words[i + 1:i + 2] == ["("]:
            yield i + 2, tk.match.get(i + 1, i + 2)
        elif w == "for" and tk.words[i + 1:i + 2] == ["("]:
            parts = [j for j in tk.top(i + 2, tk.match.get(i + 1, i + 2))
                     if tk.words[j] == ";"]
            if len(parts) == 2:
                yield parts[0] + 1, parts[1]
        elif w in LOGIC:
            yield tk.left(i), i
            yield i + 1, tk.right(i)
        elif w == "?":
            a = i
            while True:     # && and || bind closer
                a = tk.left(a)
                if a == 0 or tk.words[a - 1] not in LOGIC:
                    break
                a -= 1
            yield a, i
        elif w == "!":
            j = i + 1
            while tk.words[j] in ("*", "&", "-", "!"):
                j += 1
            j = tk.match[j] + 1 if tk.words[j] == "(" else j + 1
            while j < len(tk.words) and tk.words[j] in ("[", "(", ".", "->"):
                j = tk.match[j] + 1 if tk.words[j] in ("[", "(") else j + 2
            yield i + 1, j


class Names:
    """What the names of one function are."""

    def __init__(self, tree, source, head, begin, end):
        self.tree = tree
        self.known = {}
        start = source.code.index("(", head)
        for _, p in split_top(source.code[start + 1:
                                          close_of(source.code, start) - 1]):
            m = PARAMETER.search(" ".join(p.split()))
            if m:
                self.learn(m[3], (base_of(m[1]),
                                  len(m[2]) + m[4].count("[")))
        body = source.code[begin:end]
        for name, kind in declared(body):
            self.learn(name, kind)
        for m in re.finditer(r"\bfor \((" + TYPE + r")\s+(\**)(\w+)", body):
            self.learn(m[3], (base_of(m[1]), len(m[2])))
            # others of the same head
            rest = body[m.end():body.index(";", m.end())]
            for _, part in split_top(rest)[1:]:
                n = re.match(r"\s*(\**)(\w+)", part)
                if n:
                    self.learn(n[2], (base_of(m[1]), len(n[1])))

    def learn(self, name, kind):
        self.known.setdefault(name, set()).add(kind)

    def kinds(self, tk, a, b):
        """What a chain of names, fields, calls and indices may be; None
        where that is not known."""
        stars = 0
        while a < b and tk.words[a] in ("*", "&"):
            stars += -1 if tk.words[a] == "*" else 1
            a += 1
        if a >= b or not WORD.match(tk.words[a]):
            return None
        kinds = self.known.get(tk.words[a])
        if kinds is None and tk.words[a + 1:a + 2] == ["("]:
            kinds = self.tree.returns.get(tk.words[a])
        i = a + 1
        while i < b and kinds is not None:
            w = tk.words[i]
            if w in (".", "->"):
                kinds = self.tree.fields.get(tk.words[i + 1])
                i += 2
            elif w == "[":
                kinds = {(k, n - 1) for k, n in kinds}
                i = tk.match[i] + 1
            elif w == "(":
                i = tk.match[i] + 1
            elif w in ("++", "--"):
                i += 1
            else:
                return None
        if kinds is None:
            return None
        return {(k, n + stars) for k, n in kinds}


def is_condition(tk, i):
    """Whether what a ! at token i gives is asked for its truth; elsewhere it
    is a number, 0 or 1."""
    p = tk.words[i - 1]
    if p in LOGIC or p == "!":
        return True
    if p == "(" and i > 1 and tk.words[i - 2] in ("if", "while"):
        return True
    return False


def fault_of(tk, names, a, b, kept):
    """What is wrong with an expression that is asked for its truth, or that
    is kept as a bool; of such a one only what its operators tell."""
    whole = a
    a, b = tk.bare(a, b)
    if a >= b:
        return None
    top = [i for i in tk.top(a, b)]
    words = {tk.words[i] for i in top}
    if words & (LOGIC | COMPARE | {"?", ","}) or tk.words[a] == "!":
        return None
    if words & ASSIGN:
        return None if kept else "an assignment is asked for its truth"
    if any(tk.words[i] == "&" and is_binary(tk, i, a) for i in top):
        return "a test of flags is not spelled out"
    if whole > 0 and tk.words[whole - 1] == "!" \
            and not is_condition(tk, whole - 1):
        return None
    if any(tk.words[i] in ARITHMETIC and is_binary(tk, i, a) for i in top):
        return "a number is asked for its truth"
    kinds = None if kept else names.kinds(tk, a, b)
    if not kinds or any(k == "bool" and n == 0 or n < 0 for k, n in kinds):
        return None
    if all(n > 0 for _, n in kinds):
        return "a pointer is asked for its truth"
    if all(n == 0 and k != "void" for k, n in kinds):
        return "a number is asked for its truth"
    return None


def is_bool(kinds):
    return bool(kinds) and all(k == "bool" and n == 0 for k, n in kinds)


def kept_bools(tree, tk, names, function):
    """(first, end) of what becomes a bool: what is returned or assigned."""
    for i, w in enumerate(tk.words):
        if w == "return" and is_bool(tree.returns.get(function)):
            yield i + 1, tk.right(i)
        if w != "=":
            continue
        a = tk.left(i)
        if tk.words[a] == ".":      # a designated initializer
            kinds = tree.fields.get(tk.words[a + 1]) if a + 2 == i else None
        elif tk.words[a] in ("bool", "const", "static"):
            kinds = {("bool", 0)} if tk.words[i - 2] == "bool" else None
        else:
            kinds = names.kinds(tk, a, i)
        if is_bool(kinds):
            yield i + 1, tk.right(i)


def check_tests(t):
    """Tests of flags, numbers and pointers are spelled out."""
    bad = []
    for s in t.sources:
        for function, head, begin, end in s.functions():
            tk = Tokens(s.code[begin:end])
            names = Names(t, s, head, begin, end)
            seen = set()
            kept = list(kept_bools(t, tk, names, function))
            for a, b in [*operands(tk), *kept]:
                words = fault_of(tk, names, a, b, (a, b) in kept)
                if words is None:
                    continue
                a, b = tk.bare(a, b)
                if (a, b) in seen:
                    continue
                seen.add((a, b))
                at = begin + tk.items[a][1]
                last, place = tk.items[b - 1]
                what = s.text[at:begin + place + len(last)]
                bad.append(s.at(at, f"{words}: {' '.join(what.split())}"))
    return bad


# --- switches ---

def own_cases(code, brace):
    """The body of a switch, without those of switches within."""
    own = code[brace + 1:close_of(code, brace) - 1]
    while True:
        inner = re.search(r"\bswitch \(", own)
        if not inner:
            return own
        end = close_of(own, own.find("{", inner.end()))
        own = (own[:inner.start()] + re.sub(
            r"[^\n]", " ", own[inner.start():end]) + own[end:])


def is_int(names, code):
    """Whether what a switch asks is an int, such as the key of an option: it
    may be more than the enum's."""
    tk = Tokens(code)
    kinds = names.kinds(tk, 0, len(tk.words))
    return kinds is not None and kinds <= {("int", 0)}


def check_default(t):
    """A switch over an enum has no default."""
    bad = []
    for s in t.sources:
        for _, head, begin, end in s.functions():
            names = Names(t, s, head, begin, end)
            for m in re.finditer(r"\bswitch \(", s.code[begin:end]):
                asked = begin + m.end() - 1
                brace = s.code.find("{", close_of(s.code, asked))
                own = own_cases(s.code, brace)
                cases = re.findall(r"\bcase\s+([^:]+):", own)
                default = re.search(r"\bdefault\s*:", own)
                if default and cases and all(
                        c.strip() in t.enumerators for c in cases) \
                        and not is_int(names, s.code[asked + 1:close_of(
                            s.code, asked) - 1]):
                    bad.append(s.at(brace + 1 + default.start(),
                                    "a default in a switch over an enum"))
    return bad


# --- comments, marks ---

def columns(line):
    return len(line.expandtabs(8))


def comments(s):
    """(first line, lines) of each comment, counted from 0."""
    code = re.sub(r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'",
                  lambda m: " " * len(m[0]), s.text)
    for m in re.finditer(r"/\*.*?\*/", code, re.S):
        first = s.line(m.start()) - 1
        yield first, s.lines[first:s.line(m.end()) - 0]


def check_width(t):
    """Comments are at most 80 columns wide."""
    bad = []
    for s in t.sources:
        for first, lines in comments(s):
            for i, line in enumerate(lines):
                if columns(line) > WIDTH:
                    bad.append(f"{s.rel}:{first + i + 1}: a comment of "
                               f"{columns(line)} columns")
    return bad


def check_wrapped(t):
    """Comments fill their lines."""
    bad = []
    for s in t.sources:
        for first, lines in comments(s):
            for i in range(len(lines) - 1):
                if is_ragged(lines, i):
                    bad.append(f"{s.rel}:{first + i + 1}: a line of a "
                               "comment is broken too early")
    return bad


def is_prose(line):
    """A line of running words: no table, no list, no diagram."""
    m = re.match(r"\s*(?:/\*|\*)(?:/| )?(.*?)(?:\*/)?\s*$", line)
    text = m[1] if m else None
    return text if text and re.match(r"[\w\"'(]", text) \
        and not re.search(r"\S {2,}(?<!\. {2})\S|\t|[|=<>{}]|---|:$", text) \
        else None


def is_ragged(lines, i):
    """The next line's first word would have had room by far.  A new sentence
    or a list may begin on a line of its own."""
    one, two = is_prose(lines[i]), is_prose(lines[i + 1])
    if one is None or two is None or re.search(r"[.;?!]$", one.rstrip()):
        return False
    word = two.split()[0]
    return columns(lines[i].rstrip()) + 1 + len(word) <= RAGGED \
        and re.match(r"[a-z]", two) is not None


MARK = re.compile(r"/\* --- \S.*\S --- \*/")


def check_marks(t):
    """A comment between blank lines marks a section: "/* --- words --- */"."""
    bad = []
    for s in t.sources:
        for i in range(1, len(s.lines) - 1):
            line = s.lines[i]
            if not re.match(r"/\*.*\*/$", line):
                continue
            alone = s.lines[i - 1] == "" and s.lines[i + 1] == ""
            if alone != (MARK.fullmatch(line) is not None):
                bad.append(f"{s.rel}:{i + 1}: " + (
                    "no section mark, yet between blank lines" if alone
                    else "a section mark without its blank lines"))
    return bad


# --- guards, tables ---

def guard_of(rel):
    folder, name = rel.split("/")[-2:]
    words = ["rsthop", name[:-2], "h"]
    if rel != f"include/rsthop/{name}":
        words.insert(1, folder)
    return re.sub(r"\W", "_", "_".join(words)).upper()


def check_guards(t):
    """A header's guard says where it is."""
    bad = []
    for s in t.sources:
        if s.path.suffix != ".h":
            continue
        want = guard_of(s.rel)
        rows = [r for r in s.with_directives.split("\n") if r.strip()]
        if rows[:2] != [f"#ifndef {want}", f"#define {want}"] \
                or rows[-1].strip() != "#endif":
            bad.append(f"{s.rel}: not guarded by {want}")
    return bad


def check_tables(t):
    """Each row of a table of unit tests says what it proves."""
    bad = []
    for s in t.sources:
        if not s.rel.startswith("tests/unit/"):
            continue
        for m in re.finditer(r"struct CMUnitTest \w+\[\] = \{", s.code):
            body = s.code[m.end():close_of(s.code, m.end() - 1) - 1]
            for off, row in split_top(body):
                if row.strip() and not re.match(
                        r"\s*PROVES(_WITH)?\(", row):
                    bad.append(s.at(m.end() + off + len(row)
                                    - len(row.lstrip()),
                                    "a row of a table is no PROVES"))
        for m in re.finditer(r"#define PROVES", s.with_directives):
            if s.rel != "tests/unit/proves.h":
                bad.append(s.at(m.start(), "PROVES is proves.h's"))
        for m in re.finditer(r"\bcmocka_run_group_tests\(", s.code):
            bad.append(s.at(m.start(), "tests are run without their name"))
    return bad


# --- names ---

def own_words(rel):
    """What a static name in a file may begin with: a word of the file's name
    or its folder's, or the singular of one."""
    folder, name = rel.split("/")[-2:]
    words = set(name.rsplit(".", 1)[0].split("_")) | {folder}
    return words | {w[:-1] for w in words if w.endswith("s")}


def check_names(t):
    """Static functions and macros of a file bear its name."""
    bad = []
    for s in t.sources:
        if not s.rel.startswith("src/"):
            continue
        own, seen = own_words(s.rel), set()
        found = list(re.finditer(
            r"^static\b[^;={}()]*?\b(\w+)\(", s.code, re.M))
        if s.path.suffix == ".c":
            found += re.finditer(
                r"^#define[ \t]+(\w+)", s.with_directives, re.M)
        for m in found:
            # What an old system lacks bears the system's name.
            lacks = f"#ifndef {m[1]}\n" in s.with_directives
            if m[1].split("_")[0].lower() not in own and m[1] not in seen \
                    and m[1] != "_GNU_SOURCE" and not lacks:
                bad.append(s.at(m.start(1), f"{m[1]} bears no name of its "
                                "file's"))
            seen.add(m[1])
    return bad


CHECKS = [check_loops, check_tests, check_default, check_width, check_wrapped,
          check_marks, check_guards, check_tables]


# The self-test: a small good tree, then one fault at a time.

HEADER = ("#ifndef RSTHOP_LOW_H\n#define RSTHOP_LOW_H\n#include <stdbool.h>\n"
          "enum low { LOW_ONE, LOW_TWO };\nstruct low_box {\n\tbool on;\n"
          "\tunsigned flags;\n\tint n[3];\n\tstruct low_box *next;\n};\n"
          "bool low_is_on(const struct low_box *);\n#endif\n")

CODE = r"""#include <rsthop/low.h>

#define LOW_MASK 3

/* --- what is asked --- */

/* Says whether it is on, which is what a good caller asks first of all; the
 * second line is full as well.
 *
 *	a   table
 *	bb  of two rows */
bool
low_is_on(const struct low_box *b)
{
	bool on = b->on, other = !on;
	size_t n, found, m;
	int i = !b->n[0];

	for (size_t k = 0; k < 3; k++)
		on = on && b->n[k] != 0 && (b->flags & LOW_MASK) == 0;
	for (found = 0; found < 3 && b->n[found] != 0; found++)
		;
	for (n = 0, m = found; n < 3; n++)
		m += n;
	while (!low_is_on(b) && strcmp("!x & 1", "/* no */") != 0)
		i = (b->flags & 4) != 0 ? 1 : b->n[!other];
	switch (b->flags) {
	case 1:
		return b->next != NULL;
	default:
		break;
	}
	switch (i) {
	case LOW_ONE:
	case LOW_TWO:
		return on ? other : found + m > 1;
	}
	return i > 0;
}
"""

TABLE = ('#include "proves.h"\n\nint\nmain(void)\n{\n\tconst struct '
         'CMUnitTest tests[] = {\n\t    PROVES("it is so", so),\n\t    '
         'PROVES_WITH("and so", so, setup, NULL),\n\t};\n\n\treturn cmocka_'
         'run_group_tests_name("low", tests, NULL, NULL);\n}\n')

GOOD = {"include/rsthop/low.h": HEADER, "src/base/low.c": CODE,
        "tests/unit/test_low.c": TABLE}


def function(body, params="struct low_box *b"):
    return f"\nstatic void\nlow_do({params})\n{{\n{body}}}\n"


C_FILE, H_FILE = "src/base/low.c", "include/rsthop/low.h"
T_FILE = "tests/unit/test_low.c"

# (what, file, what is put at its end, or a pair: this in place of that,
# words of the fault; None where there must be none)
PLANTED = [
    ("a counter that is declared outside", C_FILE, function(
        "\tint i;\n\n\tfor (i = 0; i < 3; i++)\n\t\tb->n[i] = 0;\n"),
     "i is declared outside"),
    ("the counters of nested loops", C_FILE, function(
        "\tint i, j, n = 0;\n\n\tfor (i = 0; i < 3; i++) {\n\t\tfor (j = 0; "
        "j < i; j++)\n\t\t\tif (j > 1)\n\t\t\t\tn++;\n\t\t\telse\n\t\t\t\t"
        "n += j;\n\t\tn += i;\n\t}\n"), "j is declared outside"),
    ("a pointer that counts", C_FILE, function(
        "\tstruct low_box *p;\n\n\tfor (p = b; p != NULL; p = p->next)\n"
        "\t\tp->on = true;\n"), "p is declared outside"),
    ("two counters of one head", C_FILE, function(
        "\tint i, j;\n\n\tfor (i = 0, j = 2; i < j; i++, j--)\n"
        "\t\tb->n[i] = b->n[j];\n"), "j is declared outside"),
    ("but not what is used behind its loop", C_FILE, function(
        "\tint i;\n\n\tfor (i = 0; i < 3; i++)\n\t\t;\n\tb->n[0] = i;\n"),
     None),
    ("nor what is used behind another one", C_FILE, function(
        "\tint i;\n\n\tfor (i = 0; i < 3; i++)\n\t\t;\n\tb->n[0] = i;\n"
        "\tfor (i = 0; i < 3; i++)\n\t\t;\n"), None),
    ("nor two of unlike types", C_FILE, function(
        "\tint i;\n\tsize_t j;\n\n\tfor (i = 0, j = 2; i < 2; i++, j--)\n"
        "\t\tb->n[i] = b->n[j];\n"), None),
    ("nor one whose place is handed on", C_FILE, function(
        "\tint i;\n\n\tfor (i = 0; i < 3; i++)\n\t\tlow_more(&i);\n"), None),
    ("nor one that begins with what it was", C_FILE, function(
        "\tint i;\n\n\tfor (i = 0; i < 3; i++)\n\t\tfor (i = i + 1; i < 2; "
        "i++)\n\t\t\t;\n"), None),
    ("flags in an if", C_FILE, function(
        "\tif (b->flags & LOW_MASK)\n\t\treturn;\n"), "flags"),
    ("flags that are negated", C_FILE, function(
        "\tb->on = !(b->flags & LOW_MASK);\n"), "flags"),
    ("flags among others", C_FILE, function(
        "\tif (b->on && (b->flags & LOW_MASK))\n\t\treturn;\n"), "flags"),
    ("flags at the head of an else", C_FILE, function(
        "\tif (b->on)\n\t\treturn;\n\telse if (b->flags & 1U << 3)\n"
        "\t\treturn;\n"), "flags"),
    ("flags that choose", C_FILE, function(
        "\tb->n[0] = b->flags & LOW_MASK ? 1 : 2;\n"), "flags"),
    ("a number that is negated", C_FILE, function(
        "\tif (!b->n[1])\n\t\treturn;\n"), "number"),
    ("a number alone", C_FILE, function(
        "\twhile (count)\n\t\tcount--;\n", "size_t count"), "number"),
    ("a sum", C_FILE, function(
        "\tb->on = b->on || b->n[0] % 2;\n"), "number"),
    ("a number in the middle of a for", C_FILE, function(
        "\tfor (int i = 3; i; i--)\n\t\t;\n"), "number"),
    ("strcmp", C_FILE, function(
        '\tif (!strcmp(s, "a"))\n\t\treturn;\n', "const char *s"), "number"),
    ("a pointer", C_FILE, function("\tif (b)\n\t\treturn;\n"), "pointer"),
    ("a pointer that is a field", C_FILE, function(
        "\tif (b->on && !b->next->next)\n\t\treturn;\n"), "pointer"),
    ("an assignment", C_FILE, function(
        "\twhile ((b = b->next))\n\t\t;\n"), "assignment"),
    ("flags that become a bool", C_FILE, function(
        "\tb->on = b->flags & LOW_MASK;\n"), "flags"),
    ("flags in a bool's declaration", C_FILE, function(
        "\tbool on = b->flags & LOW_MASK;\n"), "flags"),
    ("flags in an initializer", C_FILE, function(
        "\tstruct low_box c = {.n = {0}, .on = b->flags & LOW_MASK};\n"),
     "flags"),
    ("flags that are returned as a bool", C_FILE,
     "\nstatic bool\nlow_do(int a)\n{\n\treturn a >> 1 & 1;\n}\n", "flags"),
    ("a remainder that becomes a bool", C_FILE, function(
        "\tb->on = b->n[0] % 2;\n"), "number"),
    ("but not one bool after the other", C_FILE, function(
        "\tb->on = b->next->on = false;\n"), None),
    ("nor flags that stay a number", C_FILE, function(
        "\tint n = b->flags & LOW_MASK;\n\n\tb->flags = n & 1;\n"), None),
    ("nor bools and what they point to", C_FILE, function(
        "\tif (!*on && b->on && !(b->on || low_is_on(b)))\n\t\treturn;\n",
        "bool *on, struct low_box *b"), None),
    ("nor what is not known", C_FILE, function(
        "\tif (isdigit(b->n[0]) && !WIFEXITED(b->n[1]))\n\t\treturn;\n"),
     None),
    ("nor an address, nor a cast", C_FILE, function(
        "\tif (low_is_on(&b[1]) && (int)-b->n[0] < 3)\n\t\treturn;\n"), None),
    ("a default over an enum", C_FILE, function(
        "\tswitch (l) {\n\tcase LOW_ONE:\n\t\tbreak;\n\tdefault:\n"
        "\t\tbreak;\n\t}\n", "enum low l"), "a default"),
    ("a default over an enum in a byte", C_FILE, function(
        "\tswitch (l) {\n\tcase LOW_ONE:\n\t\tbreak;\n\tdefault:\n"
        "\t\tbreak;\n\t}\n", "uint8_t l"), "a default"),
    ("but not over an int", C_FILE, function(
        "\tswitch (b->n[0]) {\n\tcase LOW_ONE:\n\t\tbreak;\n\tdefault:\n"
        "\t\tbreak;\n\t}\n"), None),
    ("nor over numbers within one over an enum", C_FILE, function(
        "\tswitch (l) {\n\tcase LOW_ONE:\n\t\tswitch (b->n[1]) {\n"
        "\t\tcase 7:\n\t\tdefault:\n\t\t\tbreak;\n\t\t}\n\tcase LOW_TWO:\n"
        "\t\tbreak;\n\t}\n", "enum low l, struct low_box *b"), None),
    ("a comment of 81 columns", C_FILE,
     "\nint low_x;\t/* " + "x" * (81 - 16 - 6) + " */\n", "81 columns"),
    ("but not one of 80", C_FILE,
     "\nint low_x;\t/* " + "x" * (80 - 16 - 6) + " */\n", None),
    ("a comment that is broken early", C_FILE,
     "\n/* This line ends\n * long before it would have to. */\nint low_x;\n",
     "broken too early"),
    ("a mark without dashes", C_FILE,
     "\n/* The rest. */\n\nint low_x;\n", "no section mark"),
    ("a mark that clings to what follows", C_FILE,
     "\n/* --- the rest --- */\nint low_x;\n", "without its blank lines"),
    ("a guard of another file", H_FILE, ("RSTHOP_LOW_H", "RSTHOP_HIGH_H"),
     "not guarded"),
    ("a private header with a public one's guard", "src/base/low_int.h",
     "#ifndef RSTHOP_LOW_INT_H\n#define RSTHOP_LOW_INT_H\n#endif\n",
     "not guarded by RSTHOP_BASE_LOW_INT_H"),
    ("a row that proves nothing", T_FILE,
     ('PROVES("it is so", so)', "cmocka_unit_test(so)"), "no PROVES"),
    ("a PROVES of a test's own", T_FILE,
     "\n#define PROVES(w, f) {w, f, NULL, NULL, NULL}\n", "proves.h's"),
    ("tests that run without a name", T_FILE,
     ('tests_name("low", ', "tests("), "without their name"),
]

PLANTED_NAMES = [
    ("a static name of no file", C_FILE,
     "\nstatic int\nhigh_do(void)\n{\n\treturn 0;\n}\n", "high_do bears"),
    ("a macro of no file", C_FILE, "\n#define HIGH 1\n", "HIGH bears"),
    ("but not the folder's", C_FILE,
     "\n#define BASE_HIGH 1\n\nstatic int low_do(void);\n", None),
]


def lay(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def faults(root, checks):
    t = Tree(root)
    return [b for c in checks for b in c(t)]


def self_test():
    """Every planted fault must be found, and nothing where there is none."""
    good = bad = 0
    rows = [("a tree without a fault", C_FILE, "", None)] + PLANTED
    for what, name, change, want in rows + PLANTED_NAMES:
        checks = CHECKS + [check_names] * ((what, name, change, want)
                                           in PLANTED_NAMES)
        files = dict(GOOD)
        old = files.get(name, "")
        files[name] = old.replace(*change) if isinstance(change, tuple) \
            else old + change
        with tempfile.TemporaryDirectory() as d:
            lay(Path(d), files)
            found = faults(Path(d), checks)
        ok = not found if want is None else \
            any(want in f for f in found) and (
                files[name] != old) and all(name in f for f in found)
        print(f"{'ok  ' if ok else 'FAIL'} {what}")
        if not ok:
            print("\n".join(f"     {f}" for f in found or ["nothing found"]))
        good, bad = good + ok, bad + (not ok)
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--self-test", action="store_true")
    ap.add_argument("--root", type=Path,
                    default=Path(__file__).resolve().parent.parent)
    args = ap.parse_args()
    if args.self_test:
        return self_test()
    found = faults(args.root.resolve(),
                   CHECKS + [check_names])
    for f in found:
        print(f)
    if found:
        print(f"{len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
