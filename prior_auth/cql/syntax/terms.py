"""Terms: literals, selectors, names, calls, and the operators that bind tighter than comparison."""

from __future__ import annotations

from prior_auth.cql.errors import At, CqlError
from prior_auth.cql.syntax.cursor import PRECISIONS, UNITS
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.syntax.phrases import Phrases

_COMPONENTS = (*PRECISIONS, "timezoneoffset", "timezone", "date", "time")
_MULTIPLY = {"*": "Multiply", "/": "Divide", "div": "TruncatedDivide", "mod": "Modulo"}
_ADD = {"+": "Add", "-": "Subtract", "&": "Ampersand"}
# Keywords that no name may be without quotes; the others are names where nothing else fits.
_RESERVED = frozenset(
    {
        *("aggregate", "all", "and", "as", "between", "case", "cast", "collapse", "convert", "define", "difference"),
        *("distinct", "div", "during", "else", "end", "except", "exists", "expand", "false", "flatten", "from"),
        *("function", "if", "implies", "in", "include", "includes", "intersect", "is", "let", "library", "mod", "not"),
        *(
            "null",
            "on",
            "or",
            "overlaps",
            "parameter",
            "properly",
            "return",
            "same",
            "singleton",
            "sort",
            "such",
            "then",
        ),
        *("true", "union", "using", "when", "where", "with", "within", "without", "xor"),
    }
)


class Terms(Phrases):
    """Everything up to addition."""

    def term(self) -> Node:
        self.deeper()
        node = self.sums(self._unary())
        self.depth -= 1
        return node

    def sums(self, left: Node) -> Node:
        """The rest of an additive expression whose first factor has been read."""
        left = self._products(left)
        while self.is_symbol("+", "-", "&"):
            at = self.at()
            op = _ADD[self.next().text]
            left = Node(op, at, (left, self._products(self._unary())))
        return left

    def _products(self, left: Node) -> Node:
        left = self._powers(left)
        while self.is_symbol("*", "/") or self.is_word("div", "mod"):
            at = self.at()
            op = _MULTIPLY[self.next().text]
            left = Node(op, at, (left, self._powers(self._unary())))
        return left

    def _powers(self, left: Node) -> Node:
        while self.is_symbol("^"):
            at = self.at()
            self.next()
            left = Node("Power", at, (left, self._unary()))
        return left

    def _unary(self) -> Node:
        self.deeper()
        node = self._prefixed() or self.postfix(self.primary())
        self.depth -= 1
        return node

    def _prefixed(self) -> Node | None:
        at = self.at()
        if self.is_symbol("+", "-"):
            return self._polarity(at)
        if self.token.kind != "word":
            return None
        word = self.token.text
        if word in ("start", "end", "width", "successor", "predecessor") and self.is_word("of", offset=1):
            self.index += 2
            return Node(word.capitalize(), at, (self._unary(),))
        if word in ("singleton", "point") and self.is_word("from", offset=1):
            self.index += 2
            return Node("SingletonFrom" if word == "singleton" else "PointFrom", at, (self._unary(),))
        if word in _COMPONENTS and self.is_word("from", offset=1):
            self.index += 2
            return _component(word, at, self._unary())
        if word in ("duration", "difference") and self.is_word("in", offset=1) and self.is_word("of", offset=3):
            return self._length(at)
        if word in ("minimum", "maximum") and self.peek().kind in ("word", "quoted"):
            self.next()
            return Node("MinValue" if word == "minimum" else "MaxValue", at, attrs={"type": self.type_specifier()})
        if word == "convert":
            return self._convert(at)
        return self._wide(at)

    def _polarity(self, at: At) -> Node:
        sign = self.next().text
        if sign == "+":
            return self._unary()
        operand = self._unary()
        if operand.op == "Literal" and operand["kind"] in ("Integer", "Long", "Decimal"):
            return Node("Literal", at, attrs={"kind": operand["kind"], "text": _negated(operand["text"])})
        return Node("Negate", at, (operand,))

    def _length(self, at: At) -> Node:
        op = "DurationBetween" if self.next().text == "duration" else "DifferenceBetween"
        self.next()
        precision = self.unit()
        self.next()
        interval = self._unary()
        bounds = (Node("Start", at, (interval,)), Node("End", at, (interval,)))
        return Node(op, at, bounds, {"precision": precision})

    def unit(self) -> str:
        if self.token.kind != "word" or self.token.text not in UNITS:
            raise self.refuse("a calendar unit such as `days`", tuple(UNITS))
        return UNITS[self.next().text]

    def _convert(self, at: At) -> Node:
        self.next()
        operand = self.expression()
        self.expect_word("to")
        if self.token.kind == "string" or (self.token.kind == "word" and self.token.text in UNITS):
            unit = self.next()
            text = unit.text if unit.kind == "string" else UNITS[unit.text]
            return Node("ConvertQuantity", at, (operand, Node("Literal", at, attrs={"kind": "String", "text": text})))
        return Node("Convert", at, (operand,), {"type": self.type_specifier()})

    def _wide(self, at: At) -> Node | None:
        """Prefix words whose operand is a whole expression."""
        if self.is_symbol(".", "(", offset=1) and not self.is_word("if", "case", "distinct", "flatten", "collapse"):
            return None
        if self.take_word("if"):
            condition = self.expression()
            self.expect_word("then")
            then = self.expression()
            self.expect_word("else")
            return Node("If", at, (condition, then, self.expression()))
        if self.is_word("case"):
            return self._case(at)
        if self.is_word("distinct", "flatten"):
            return Node(self.next().text.capitalize(), at, (self.expression(),))
        if self.is_word("expand", "collapse"):
            return self._per(at)
        return None

    def _case(self, at: At) -> Node:
        self.next()
        comparand = () if self.is_word("when") else (self.expression(),)
        items: list[Node] = []
        while self.take_word("when"):
            items.append(self.expression())
            self.expect_word("then")
            items.append(self.expression())
        if not items:
            raise self.refuse("`when`")
        otherwise = self.expression() if self.take_word("else") else Node("Null", self.at())
        self.expect_word("end")
        return Node("Case", at, (*comparand, *items, otherwise), {"comparand": bool(comparand)})

    def _per(self, at: At) -> Node:
        op = self.next().text.capitalize()
        operand = self.expression()
        per = None
        if self.take_word("per"):
            if self.token.kind == "word" and self.token.text in UNITS:
                attrs = {"value": "1", "unit": UNITS[self.next().text]}
                per = Node("Quantity", at, attrs=attrs)
            else:
                per = self.expression()
        return Node(op, at, (operand, per) if per else (operand,))

    def postfix(self, node: Node) -> Node:
        while True:
            at = self.at()
            if self.is_symbol("."):
                self.next()
                name = self.member()
                if self.is_symbol("("):
                    node = Node("Call", at, (node, *self._arguments()), {"name": name, "on": True})
                else:
                    node = Node("Member", at, (node,), {"name": name})
            elif self.is_symbol("[") and node.op != "Retrieve":
                self.next()
                index = self.expression()
                self.expect_symbol("]")
                node = Node("Indexer", at, (node, index))
            else:
                return node

    def _arguments(self) -> tuple[Node, ...]:
        self.expect_symbol("(")
        found: list[Node] = []
        if not self.is_symbol(")"):
            found.append(self.expression())
            while self.take_symbol(","):
                found.append(self.expression())
        self.expect_symbol(")")
        return tuple(found)

    def primary(self) -> Node:
        at, token = self.at(), self.token
        if token.kind in ("string", "date", "time"):
            self.next()
            kind = {"string": "String", "time": "Time"}.get(token.kind) or ("DateTime" if "T" in token.text else "Date")
            return Node("Literal", at, attrs={"kind": kind, "text": token.text})
        if token.kind == "number":
            return self._number()
        if token.kind == "symbol":
            return self._bracketed(at)
        if token.kind == "quoted":
            return self._name(at)
        if token.kind == "word":
            return self._word(at)
        raise self.refuse("an expression")

    def _number(self) -> Node:
        left = self.quantity()
        if left.op != "Quantity" and not self.is_symbol(":"):
            return left
        if self.is_symbol(":") and self.peek().kind == "number":
            self.next()
            return Node("Ratio", left.at, (_as_quantity(left), _as_quantity(self.quantity())))
        return left

    def quantity(self) -> Node:
        """A number, or a quantity when a unit follows."""
        at, token = self.at(), self.token
        if token.kind != "number":
            raise self.refuse("a number")
        self.next()
        if self.token.kind == "string":
            return Node("Quantity", at, attrs={"value": token.text, "unit": self.next().text, "ucum": True})
        if self.token.kind == "word" and self.token.text in UNITS and not self.is_word("between", "from", offset=1):
            return Node("Quantity", at, attrs={"value": token.text, "unit": UNITS[self.next().text]})
        kind = "Long" if token.text.endswith("L") else "Decimal" if "." in token.text else "Integer"
        return Node("Literal", at, attrs={"kind": kind, "text": token.text.rstrip("L")})

    def _bracketed(self, at: At) -> Node:
        if self.take_symbol("("):
            inner = self.expression()
            self.expect_symbol(")")
            return Node("Parens", at, (inner,))
        if self.is_symbol("{"):
            return self._braces(at)
        if self.is_symbol("$"):
            return self._special(at)
        if self.is_symbol("%"):
            raise self.unsupported("an external constant", "declare a parameter")
        raise self.refuse("an expression")

    def _special(self, at: At) -> Node:
        self.next()
        name = self.member()
        if name != "this":
            raise CqlError(f"`${name}` is not supported", at)
        return Node("This", at)

    def _word(self, at: At) -> Node:
        word = self.token.text
        if word in ("true", "false"):
            self.next()
            return Node("Literal", at, attrs={"kind": "Boolean", "text": word})
        if word == "null":
            self.next()
            return Node("Null", at)
        if word == "Interval" and self.is_symbol("[", "(", offset=1):
            return self._interval(at)
        if word == "List" and self.is_symbol("<", "{", offset=1):
            return self._list(at)
        if word == "Tuple" and self.is_symbol("{", offset=1):
            self.next()
            return self._tuple(at)
        if word == "Code" and self.peek().kind == "string":
            return self._code(at)
        if word == "Concept" and self.is_symbol("{", offset=1) and self.is_word("Code", offset=2):
            return self._concept(at)
        if word in _RESERVED:
            raise self.refuse("an expression")
        return self._name(at)

    def _name(self, at: At) -> Node:
        if self._is_instance():
            return self._instance(at)
        token = self.next()
        if self.is_symbol("("):
            return Node("Call", at, self._arguments(), {"name": token.text})
        return Node("Name", at, attrs={"name": token.text})

    def _is_instance(self) -> bool:
        offset = 1
        while self.is_symbol(".", offset=offset) and self.peek(offset + 1).kind in ("word", "quoted"):
            offset += 2
        return self.is_symbol("{", offset=offset)

    def _instance(self, at: At) -> Node:
        type_node = self._named_type(at)
        fields = self._fields()
        return Node("Instance", at, tuple(f[1] for f in fields), {"type": type_node, "names": [f[0] for f in fields]})

    def _fields(self) -> list[tuple[str, Node]]:
        self.expect_symbol("{")
        found: list[tuple[str, Node]] = []
        if self.take_symbol(":"):
            self.expect_symbol("}")
            return found
        if not self.is_symbol("}"):
            while True:
                name = self.member()
                self.expect_symbol(":")
                found.append((name, self.expression()))
                if not self.take_symbol(","):
                    break
        self.expect_symbol("}")
        return found

    def _braces(self, at: At) -> Node:
        named = self.peek().kind in ("word", "quoted") and self.is_symbol(":", offset=2)
        if named or (self.is_symbol(":", offset=1) and self.is_symbol("}", offset=2)):
            return self._tuple(at)
        return Node("List", at, self._elements())

    def _elements(self) -> tuple[Node, ...]:
        self.expect_symbol("{")
        found: list[Node] = []
        if not self.is_symbol("}"):
            found.append(self.expression())
            while self.take_symbol(","):
                found.append(self.expression())
        self.expect_symbol("}")
        return tuple(found)

    def _list(self, at: At) -> Node:
        self.next()
        element = None
        if self.take_symbol("<"):
            element = self.type_specifier()
            self.expect_symbol(">")
        return Node("List", at, self._elements(), {"type": element})

    def _tuple(self, at: At) -> Node:
        fields = self._fields()
        return Node("Tuple", at, tuple(f[1] for f in fields), {"names": [f[0] for f in fields]})

    def _interval(self, at: At) -> Node:
        self.next()
        low_closed = self.next().text == "["
        low = self.expression()
        self.expect_symbol(",")
        high = self.expression()
        if not self.is_symbol("]", ")"):
            raise self.refuse("`]` or `)`")
        high_closed = self.next().text == "]"
        return Node("Interval", at, (low, high), {"lowClosed": low_closed, "highClosed": high_closed})

    def _code(self, at: At) -> Node:
        self.next()
        code = self.expect_string()
        self.expect_word("from")
        system = self.postfix(self._name(self.at()))
        display = self.expect_string() if self.take_word("display") else None
        return Node("Code", at, (system,), {"code": code, "display": display})

    def _concept(self, at: At) -> Node:
        self.next()
        codes = self._elements()
        display = self.expect_string() if self.take_word("display") else None
        return Node("Concept", at, codes, {"display": display})


def _component(word: str, at: At, operand: Node) -> Node:
    op = {
        "date": "DateFrom",
        "time": "TimeFrom",
        "timezoneoffset": "TimezoneOffsetFrom",
        "timezone": "TimezoneOffsetFrom",
    }.get(word)
    if op:
        return Node(op, at, (operand,))
    return Node("DateTimeComponentFrom", at, (operand,), {"precision": word})


def _negated(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


def _as_quantity(node: Node) -> Node:
    if node.op == "Quantity":
        return node
    return Node("Quantity", node.at, attrs={"value": node["text"], "unit": "1", "ucum": True})
