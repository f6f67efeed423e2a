"""Batch scripts say what was asked for and nothing else, whatever the paths are."""

import dataclasses
import shlex
import subprocess

import pytest

from halfmap.daemon.slurm_script import (
    TEMPLATE,
    Asked,
    BadTemplate,
    Names,
    batch_script,
    check_options,
    check_template,
)

NAMES = Names(
    job_name="hm-8d1c",
    comment="halfmap:8d1c",
    project="/data/project",
    attempt_folder="/data/project/Refine3D/job012/halfmap/attempt-001",
    python="/opt/halfmap/bin/python",
    shim="/opt/halfmap/shim.py",
    output="/data/project/Refine3D/job012/halfmap/attempt-001/slurm.out",
)
LAST = "exec {{ python }} -I -S {{ shim }} {{ attempt_folder }}\n"


def test_the_built_in_template_asks_for_what_the_job_needs():
    script = batch_script(Asked("gpu", ranks=3, threads=4, cards=2, memory_mb=64000), NAMES)
    assert script.splitlines() == [
        "#!/bin/sh",
        "#SBATCH --job-name=hm-8d1c",
        "#SBATCH --comment=halfmap:8d1c",
        "#SBATCH --partition=gpu",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=3",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --gres=gpu:2",
        "#SBATCH --mem=64000M",
        "#SBATCH --chdir=/data/project",
        "#SBATCH --output=/data/project/Refine3D/job012/halfmap/attempt-001/slurm.out",
        "#SBATCH --open-mode=append",
        "#SBATCH --requeue",
        "#SBATCH --signal=B:TERM@120",
        "exec /opt/halfmap/bin/python -I -S /opt/halfmap/shim.py /data/project/Refine3D/job012/halfmap/attempt-001",
    ]


def test_what_is_not_asked_for_is_left_to_slurm():
    script = batch_script(Asked(), NAMES)
    assert not any(word in script for word in ("--partition", "--gres", "--mem", "{{"))


def test_a_site_names_cores_in_a_template_of_its_own():
    script = batch_script(
        Asked(ranks=3, threads=4), NAMES, "#!/bin/bash\n#SBATCH -n {{cores}} -A lab\nmodule load x\n" + LAST
    )
    assert script.splitlines()[1:3] == ["#SBATCH -n 12 -A lab", "module load x"]


def test_paths_with_anything_in_them_reach_the_shim_as_they_are():
    folder = """/a b/it's "x" $(touch /tmp/no) `no` ; & #1 100% {{ ranks }} \\ ü"""
    names = dataclasses.replace(NAMES, attempt_folder=folder, python="/bin/echo", shim="shim", project=folder)
    script = batch_script(Asked(), names)
    said = subprocess.run(["/bin/sh", "-s"], input=script, text=True, capture_output=True, check=True)
    assert said.stdout == f"-I -S shim {folder}\n"
    (line,) = [line for line in script.splitlines() if "--chdir" in line]
    assert shlex.split(line, comments=True) == []  # a comment to the shell …
    assert shlex.split(line.removeprefix("#SBATCH "), comments=True) == [f"--chdir={folder}"]


def test_percent_signs_in_the_outputs_path_are_not_slurms():
    script = batch_script(Asked(), dataclasses.replace(NAMES, output="/data/100%j/slurm.out"))
    assert "--output=/data/100%%j/slurm.out" in script


def test_a_path_with_a_line_break_is_refused():
    with pytest.raises(BadTemplate, match=r"the project .* holds a control character"):
        batch_script(Asked(), dataclasses.replace(NAMES, project="/data/a\n#SBATCH --uid=0"))


def test_an_unknown_placeholder_is_named_with_the_known_ones():
    with pytest.raises(BadTemplate, match=r"\{\{ gpus \}\}, which is not known; there are: attempt_folder, cards, "):
        check_template(TEMPLATE.replace("{{ cards }}", "{{ gpus }}"))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("#!/bin/sh\nsrun x\n", "lacks {{ python }}"),
        ("#!/bin/sh\n{{ python }} {{ shim }}\n", "lacks {{ attempt_folder }}"),
        (LAST, "must begin with #!"),
        ("#!/bin/sh\n{{ ranks }\n" + LAST, "that is no placeholder"),
        ("#!/bin/sh\n#SBATCH --array=1-3\n" + LAST, "--array=1-3 cannot be given to sbatch here"),
        ("#!/bin/sh\n#SBATCH -W\n" + LAST, "-W cannot be given"),
        ("#!/bin/sh\n#SBATCH --account='lab\n" + LAST, "cannot be read"),
    ],
)
def test_a_template_that_cannot_work_is_refused(template, said):
    with pytest.raises(BadTemplate) as found:
        check_template(template)
    assert said in str(found.value)


@pytest.mark.parametrize("word", ["-J", "-Jx", "--job-name=x", "--array", "--clusters=b", "--wrap=ls", "--test-only"])
def test_words_that_would_lose_the_job_are_refused(word):
    with pytest.raises(BadTemplate, match="finds its jobs again by name"):
        check_options((word,))


def test_other_words_are_let_through():
    check_options(("--account=lab", "-A", "lab", "--qos=high", "--wait-all-nodes=1", "--time=2-0"))
    check_template(TEMPLATE)
