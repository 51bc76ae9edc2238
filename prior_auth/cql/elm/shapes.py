"""Which fields of each ELM operator hold its operands, in the order in which the engine's operator takes them."""

from __future__ import annotations

# Operators with a list of operands in `operand`, or one.
OPERAND = frozenset(
    """
    Abs Add After And Before Ceiling Collapse Contains ConvertQuantity CanConvertQuantity ConvertsToBoolean
    ConvertsToDate ConvertsToDateTime ConvertsToDecimal ConvertsToInteger ConvertsToLong ConvertsToQuantity
    ConvertsToRatio ConvertsToString ConvertsToTime DateFrom DateTimeComponentFrom DifferenceBetween Distinct Divide
    DurationBetween End Ends EndsWith Equal Equivalent Except Exists Exp Expand ExpandValueSet Flatten Floor Greater
    GreaterOrEqual HighBoundary Implies In IncludedIn Includes Indexer Intersect IsFalse IsNull IsTrue Length Less
    LessOrEqual Ln Log LowBoundary Lower Matches Meets MeetsAfter MeetsBefore Modulo Multiply Negate Not NotEqual Or
    Overlaps OverlapsAfter OverlapsBefore PointFrom Power Precision Predecessor ProperContains ProperIn
    ProperIncludedIn ProperIncludes ReplaceMatches SameAs SameOrAfter SameOrBefore SingletonFrom Size Start Starts
    StartsWith Subtract Successor TimeFrom TimezoneOffsetFrom ToBoolean ToConcept ToDate ToDateTime ToDecimal
    ToInteger ToList ToLong ToQuantity ToRatio ToString ToTime Truncate TruncatedDivide Union Upper Width Xor
    Now Today TimeOfDay
    """.split()  # noqa: SIM905
)

# ELM's own names for what the engine has under another name.
RENAMED = {"ProperContains": "ProperIncludes", "ProperIn": "ProperIncludedIn", "Concatenate": "Add"}

# Operators that take two operands in the engine and any number in ELM.
FOLDED = frozenset({"Union", "Intersect", "Except", "Concatenate"})

# Operators whose operands have fields of their own; those after `|` may be missing.
FIELDS: dict[str, str] = {
    **dict.fromkeys(
        (
            "AllTrue", "AnyTrue", "Avg", "Count", "First", "GeometricMean", "Last", "Max", "Median", "Min", "Mode",
            "PopulationStdDev", "PopulationVariance", "Product", "StdDev", "Sum", "Variance",
        ),
        "source",
    ),
    "Combine": "source | separator",
    "IndexOf": "source element",
    "LastPositionOf": "pattern string",
    "Message": "source condition code severity message",
    "PositionOf": "pattern string",
    "Slice": "source startIndex | endIndex",
    "Split": "stringToSplit separator",
    "SplitOnMatches": "stringToSplit separatorPattern",
    "Substring": "stringToSub startIndex | length",
}  # fmt: skip

# Made of parts from the greatest to the least.
MOMENTS = {
    "Date": ("year", "month", "day"),
    "DateTime": ("year", "month", "day", "hour", "minute", "second", "millisecond", "timezoneOffset"),
    "Time": ("hour", "minute", "second", "millisecond"),
}

# References to what the library declares.
REFERENCES = frozenset(
    {"ExpressionRef", "ParameterRef", "ValueSetRef", "CodeSystemRef", "CodeRef", "ConceptRef"}
)  # fmt: skip
# References to aliases, lets and operands of functions.
VARIABLES = frozenset({"AliasRef", "QueryLetRef", "OperandRef"})

# They read the time of the evaluation.
CLOCK = frozenset({"Now", "Today", "TimeOfDay"})
# Operators that take just two operands.
PAIRS = frozenset({"And", "Or", "Implies", "In", "Contains"})
