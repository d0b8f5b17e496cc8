"""Finds what of the headers can be changed in one place, by Clang's syntax tree, and writes a copy in which each such change, a
mutant, is a switch: see switch.hpp. The copy has the lines of the original."""
import dataclasses
import re

import clang.cindex
from clang.cindex import CursorKind as Kind
from clang.cindex import TypeKind

comparisons = {
    "==": ("equal_to", "!="), "!=": ("not_equal_to", "=="), "<": ("less", "<="), "<=": ("less_equal", "<"),
    ">": ("greater", ">="), ">=": ("greater_equal", ">"),
}
functions = {Kind.FUNCTION_DECL, Kind.CXX_METHOD, Kind.FUNCTION_TEMPLATE, Kind.CONSTRUCTOR, Kind.DESTRUCTOR, Kind.CONVERSION_FUNCTION}
variables = {Kind.VAR_DECL, Kind.FIELD_DECL, Kind.PARM_DECL}
# What is never run: types, requirements, and what the compiler computes.
# What is never run: types, requirements, and what the compiler computes. The binding has no names for some of it.
compile_time = {Kind.STATIC_ASSERT, Kind.ENUM_DECL, Kind.TYPE_ALIAS_DECL, Kind.TYPE_ALIAS_TEMPLATE_DECL, Kind.TYPEDEF_DECL,
                Kind.TEMPLATE_TYPE_PARAMETER, Kind.TEMPLATE_NON_TYPE_PARAMETER, Kind.TEMPLATE_TEMPLATE_PARAMETER, Kind.FRIEND_DECL,
                Kind.CXX_UNARY_EXPR, Kind.UNEXPOSED_DECL, *(getattr(Kind, name) for name in ("CONCEPT_DECL", "CONCEPT_SPECIALIZATION_EXPR", "REQUIRES_EXPR")
                                       if hasattr(Kind, name))}
literal = {
    Kind.INTEGER_LITERAL: re.compile(r"(0[xX][0-9a-fA-F']+|0[bB][01']+|[0-9][0-9']*)[uUlLzZ]*$"),
    Kind.FLOATING_LITERAL: re.compile(r"[0-9.]+([eE][-+]?[0-9]+)?[fFlL]?$"),
    Kind.CHARACTER_LITERAL: re.compile(r"'.*'$"),
    Kind.CXX_BOOL_LITERAL_EXPR: re.compile(r"true$|false$"),
}


@dataclasses.dataclass
class Mutant:
    file: str  # below include/render_cache
    start: int  # the bytes of the file that it changes
    end: int
    what: str
    edits: list  # (start, end, text before, text after) around what stays, or (start, end, None, text instead); # is the id
    line: int = 0
    name: str = ""  # the same as long as its line is the same, and its like on it
    id: int = 0


def reserves(text):
    """Whether it makes room, which no test can see."""
    return re.match(r"[\w.>-]+\.reserve\(", text)


def kind_of(cursor):
    try:
        return cursor.kind
    except ValueError:  # newer than the binding
        return None


class Headers:
    """What of one translation unit lies in the headers, as mutants."""

    def __init__(self, root, unit):
        self.root, self.texts, self.mutants, self.seen, self.macros = root, {}, [], set(), {}
        for cursor in unit.cursor.get_children():
            file = self.file_of(cursor)
            if file and kind_of(cursor) == Kind.MACRO_INSTANTIATION:
                self.macros.setdefault(file, []).append((cursor.extent.start.offset, cursor.extent.end.offset))
        for cursor in unit.cursor.get_children():
            file = self.file_of(cursor)
            if file:
                self.file = file
                self.text = self.texts.setdefault(file, (root / file).read_bytes())
                self.visit(cursor, None, False)

    def file_of(self, cursor):
        name = cursor.location.file and cursor.location.file.name
        return name[len(str(self.root)) + 1:] if name and name.startswith(f"{self.root}/") else None

    # --- The text around an expression ---

    def said(self, start, end):
        return self.text[start:end].decode(errors="replace")

    def before(self, at):
        return self.said(0, at).rstrip() if at < 200 else self.said(at - 200, at).rstrip()

    def after(self, at):
        return self.said(at, at + 200).lstrip()

    # --- Mutants ---

    def add(self, what, start, end, *edits):
        if (start, end, what) in self.seen or any(first <= start < last or first < end <= last for first, last in self.macros.get(self.file, [])):
            return
        self.seen.add((start, end, what))
        self.mutants.append(Mutant(self.file, start, end, what, list(edits)))

    def negate(self, what, start, end):
        self.add(what, start, end, (start, end, "(::mutate::on(#) != static_cast<bool>(", "))"))

    def visit(self, cursor, parent, returns_bool, negated=None):
        """`negated`: the extent of the condition that is negated as a whole."""
        kind, start, end = kind_of(cursor), cursor.extent.start.offset, cursor.extent.end.offset
        if kind in compile_time or kind is None:
            return
        if kind == Kind.DECL_STMT and re.match(r"(static )?constexpr ", self.said(start, end)):
            return
        children = [child for child in cursor.get_children() if kind_of(child) is not None]
        if kind in functions:
            self.visit_function(cursor, children)
            return
        if kind in variables:
            self.visit_variable(cursor, children, start, returns_bool)
            return
        if kind == Kind.LAMBDA_EXPR:
            returns_bool = False
        if kind in (Kind.DECL_REF_EXPR, Kind.MEMBER_REF_EXPR):  # what follows the name are template arguments
            children = [child for child in children if child.extent.start.offset < cursor.location.offset]
        if kind == Kind.CALL_EXPR and reserves(self.said(start, end)):
            return
        if kind == Kind.CASE_STMT:
            children = children[1:]
        self.literal(kind, start, end)
        self.operator(cursor, children, start, end, negated)
        negated = self.conditions(kind, children, start)
        if kind == Kind.RETURN_STMT and children and (returns_bool or children[0].type.kind == TypeKind.BOOL):
            negated = self.negate_whole("returns the contrary", children[0])
        for child in children:
            self.statement(kind, child, children)
            self.visit(child, kind, returns_bool, negated)

    def visit_function(self, cursor, children):
        body = [child for child in children if child.kind in (Kind.COMPOUND_STMT, Kind.CXX_TRY_STMT)]
        if not body or "consteval" in self.said(cursor.extent.start.offset, body[-1].extent.start.offset):
            return
        for child in children:
            initialises = cursor.kind == Kind.CONSTRUCTOR and child.kind.is_expression()
            if child.kind == Kind.PARM_DECL or initialises or child in body:
                self.visit(child, cursor.kind, cursor.result_type.kind == TypeKind.BOOL)

    def visit_variable(self, cursor, children, start, returns_bool):
        named = cursor.location.offset
        if not cursor.spelling or re.search(r"\b(constexpr|constinit)\b", self.said(start, named)):
            return
        for child in children:
            at = child.extent.start.offset
            if at <= named or self.before(at).endswith("[") and child.kind == Kind.INTEGER_LITERAL:
                continue  # of its type
            negated = None
            if cursor.type.get_canonical().kind == TypeKind.BOOL and child.kind.is_expression():
                negated = self.negate_whole("is the contrary", child)
            self.visit(child, cursor.kind, returns_bool, negated)

    def negate_whole(self, what, expression):
        extent = expression.extent.start.offset, expression.extent.end.offset
        if not re.match(r"(true|false)$|\{", self.said(*extent)):
            self.negate(what, *extent)
        return extent

    def literal(self, kind, start, end):
        if kind not in literal or not literal[kind].match(self.said(start, end)):
            return
        if re.match(r"[\w.>]", self.said(end, end + 1)):  # 5s; the last template argument
            return
        if kind == Kind.CXX_BOOL_LITERAL_EXPR:
            self.add("the contrary", start, end, (start, end, "(::mutate::on(#) != ", ")"))
        elif kind == Kind.CHARACTER_LITERAL:
            self.add("the next character", start, end, (start, end, "static_cast<char>(", " + ::mutate::on(#))"))
        else:
            self.add("plus 1", start, end, (start, end, "(", " + ::mutate::on(#))"))

    def operator(self, cursor, children, start, end, negated):
        if not cursor.kind.is_expression():
            return
        left = [child for child in children if child.extent.start.offset == start and child.extent.end.offset < end]
        right = [child for child in children if child.extent.end.offset == end and child.extent.start.offset > start]
        if not left or not right:
            return
        (a, b), (c, d) = [(side.extent.start.offset, side.extent.end.offset) for side in (left[0], right[-1])]
        operator = self.said(b, c).strip()
        if operator in comparisons:
            function, other = comparisons[operator]
            if operator in ("==", "!=") and negated == (start, end):
                return  # which is the same
            call = f"::mutate::compare<::std::{function}<>, ::std::{comparisons[other][0]}<>>(#, "
            self.add(f"{operator} is {other}", start, end, (start, end, call, ")"), (b, c, None, ", "))
        elif operator in ("&&", "||"):
            mutant = "::mutate::on(#) ||" if operator == "&&" else "!::mutate::on(#) &&"
            for side, (first, last) in (("left", (a, b)), ("right", (c, d))):
                self.add(f"{operator} without its {side}", first, last, (first, last, f"({mutant} (", "))"))
        elif operator == "=" and cursor.type.kind == TypeKind.BOOL:
            self.negate_whole("is the contrary", right[-1])

    def conditions(self, kind, children, start):
        """The extent of the condition, if it is negated."""
        if kind == Kind.CONDITIONAL_OPERATOR and len(children) == 3:
            return self.negate_whole("the condition is the contrary", children[0])
        if kind not in (Kind.IF_STMT, Kind.WHILE_STMT, Kind.DO_STMT, Kind.FOR_STMT):
            return None
        if kind == Kind.IF_STMT and self.said(start, start + 13).startswith("if constexpr"):
            return None
        for child in children:
            first, last = child.extent.start.offset, child.extent.end.offset
            if child.kind.is_expression() and self.before(first).endswith(("(", ";")) and self.after(last).startswith((")", ";")):
                if kind != Kind.FOR_STMT or self.after(last).startswith(";") and self.before(first).endswith(";"):
                    return self.negate_whole("the condition is the contrary", child)
            elif kind == Kind.IF_STMT and child.kind == Kind.VAR_DECL and self.after(last).startswith(")"):
                self.add("the condition is the contrary", first, last,
                         (first, last, "", f"; ::mutate::on(#) != static_cast<bool>({child.spelling})"))
        return None

    def statement(self, parent, child, children):
        bodies = {Kind.FOR_STMT, Kind.CXX_FOR_RANGE_STMT, Kind.WHILE_STMT}
        if parent in bodies and child != children[-1] or not parent.is_statement():
            return
        jumps = child.kind in (Kind.BREAK_STMT, Kind.CONTINUE_STMT) or child.kind == Kind.RETURN_STMT and not list(child.get_children())
        start, end = child.extent.start.offset, child.extent.end.offset
        if (jumps or child.kind.is_expression()) and self.after(end).startswith(";") and re.search(r"([{};):]|\belse|\bdo)$", self.before(start)):
            if not self.said(start, end).startswith("(void)") and not reserves(self.said(start, end)):
                self.add("removed", start, end, (start, end, "if (::mutate::on(#)) {} else ", ""))


def find(root, unit_file, flags):
    """All mutants of the headers below `root` that the file includes, in order, named and numbered; and the texts of the headers."""
    index = clang.cindex.Index.create()
    unit = index.parse(str(unit_file), args=flags, options=clang.cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
    errors = [str(each) for each in unit.diagnostics if each.severity >= clang.cindex.Diagnostic.Error]
    if errors:
        raise SystemExit("the headers do not compile: " + errors[0])
    headers = Headers(root, unit)
    number_of, ids = {}, {}
    for mutant in sorted(headers.mutants, key=lambda each: (each.file, each.start, -each.end)):
        text = headers.texts[mutant.file]
        mutant.line = text.count(b"\n", 0, mutant.start) + 1
        line = text.split(b"\n")[mutant.line - 1].decode().strip()
        changed = " ".join(text[mutant.start:mutant.end].decode().split())
        name = f"{mutant.file} | {line} | {mutant.what}: {changed if len(changed) <= 60 else changed[:57] + '...'}"
        number_of[name] = number_of.get(name, 0) + 1
        mutant.name = name + ("" if number_of[name] == 1 else f" ({number_of[name]})")
        ids[mutant.file] = ids.get(mutant.file, 1000 * len(ids) - 1) + 1  # so that a header's edits leave those of others
        mutant.id = ids[mutant.file]
    return headers.mutants, headers.texts


def switched(text, mutants):
    """The header with the mutants as switches; and where, in bytes, each is in it."""
    inserted = []  # (at, order, text, bytes taken away)
    for number, mutant in enumerate(mutants):  # an outer one comes before those within
        for start, end, *new in mutant.edits:
            first, last = (part if part is None else part.replace("#", str(mutant.id)).encode() for part in new)
            if first is None:
                inserted.append((start, (1, 0), last, end - start, None))
            else:
                inserted.append((start, (2, -end, number), first, 0, mutant))
                inserted.append((end, (0, -start, -number), last, 0, mutant))
    result, at, places = b"", 0, {}
    for where, order, new, taken, mutant in sorted(inserted, key=lambda each: each[:2]):
        result += text[at:where]
        at = max(at, where + taken)
        if mutant is not None and order[0] == 2:
            places[mutant.id] = (len(result), None)
        result += new
        if mutant is not None and order[0] == 0:
            places[mutant.id] = (places[mutant.id][0], len(result))
    return result + text[at:], places
