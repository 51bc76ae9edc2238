from prior_auth.errors import BadInput, NotFound
from prior_auth.fhir import outcome


def test_an_element_path_becomes_the_expression():
    made = outcome.from_error(BadInput("an entry without a resource", where="Bundle.entry[1].resource", fix="add it"))
    assert made == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "invalid",
                "diagnostics": "an entry without a resource (add it)",
                "expression": ["Bundle.entry[1].resource"],
            }
        ],
    }


def test_a_place_in_a_file_stays_in_the_text():
    issue = outcome.from_error(NotFound("no such case", where="line 2, column 3"))["issue"][0]
    assert issue["code"] == "not-found"
    assert issue["diagnostics"] == "line 2, column 3: no such case"
    assert "expression" not in issue
