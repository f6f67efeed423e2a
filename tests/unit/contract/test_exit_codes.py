from halfmap.contract.exit_codes import ExitCode


def test_the_codes_are_those_that_scripts_rely_on():
    assert {code.name: code.value for code in ExitCode} == {
        "SUCCESS": 0,
        "FAILURE": 1,
        "ABORTED": 2,
        "BAD_INPUT": 3,
        "LAUNCH_MISMATCH": 4,
    }


def test_every_code_is_explained_in_one_line():
    meanings = [code.meaning for code in ExitCode]
    assert all(meaning and "\n" not in meaning for meaning in meanings)
    assert len(set(meanings)) == len(ExitCode)
