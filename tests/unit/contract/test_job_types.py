"""The types of job around a refinement: their forms, their programs' command lines, their files."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.contract.command_line import ArgumentError
from halfmap.contract.external_form import VERBS, External
from halfmap.contract.extract_form import Extract
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import JobStarError, job_star_text, read_any_job_star, read_job_star, write_job_star
from halfmap.contract.job_types import (
    EXTERNAL,
    EXTRACT,
    JOB_TYPES,
    POSTPROCESS,
    RECONSTRUCT,
    REFINE3D,
    argument_words,
    input_files,
    job_from_texts,
    launch_problems,
    problems,
    texts_of,
    type_labelled,
    type_of,
)
from halfmap.contract.postprocess_form import PostProcess
from halfmap.contract.reconstruct_form import Reconstruct
from halfmap.contract.refine3d import Refine3D

SET = "Extract/job010/optimisation_set.star"
JOBS: dict[str, JobForm] = {
    "refine": Refine3D(in_optimisation=SET, fn_ref="Reconstruct/job011/merged.mrc"),
    "extract": Extract(in_optimisation=SET),
    "reconstruct": Reconstruct(in_optimisation=SET),
    "postprocess": PostProcess(fn_in="Reconstruct/job011/half1.mrc", fn_mask="mask_fsc.mrc"),
    "center": External(in_3dref="ref.mrc", in_mask="mask.mrc", in_part=SET),
}
QUEUE = {"do_queue", "min_dedicated", "other_args", "qsub", "qsubscript", "queuename"}
INPUTS = {"in_optimisation", "in_particles", "in_tomograms", "in_trajectories", "use_direct_entries"}
CUT = {"binning", "box_size", "crop_size", "nr_mpi", "nr_threads"}
HELIX = {"do_helix", *(f"helical_{one}" for one in ("nr_asu", "rise", "tube_outer_diameter", "twist", "z_percentage"))}
# as they stand in job.star files that RELION 5.0 has written
RELIONS_KEYS = {
    "relion.pseudosubtomo": QUEUE | INPUTS | CUT | {"do_float16", "do_stack2d", "max_dose", "min_frames"},
    "relion.reconstructparticletomo": QUEUE | INPUTS | CUT | HELIX | {"snr", "sym_name"},
    "relion.postprocess": QUEUE
    | {"adhoc_bfac", "angpix", "autob_lowres", "do_adhoc_bfac", "do_auto_bfac", "do_skip_fsc_weighting"}
    | {"fn_in", "fn_mask", "fn_mtf", "low_pass", "mtf_angpix"},
    "relion.external": QUEUE
    | {"fn_exe", "in_3dref", "in_coords", "in_mask", "in_mic", "in_mov", "in_part", "nr_threads"}
    | {f"param{number}_{part}" for number in range(1, 11) for part in ("label", "value")},
}


def told(job: JobForm, folder: str) -> str:
    return " ".join(argument_words(job, folder))


def messages(job: JobForm) -> str:
    return "\n".join(problem.message for problem in problems(job))


def test_a_type_has_relions_folder_label_and_keys():
    found = {kind.label: kind for kind in JOB_TYPES}
    folders = {label: kind.folder for label, kind in found.items()}
    assert folders == {
        "relion.refine3d.tomo": "Refine3D",
        "relion.pseudosubtomo": "Extract",
        "relion.reconstructparticletomo": "Reconstruct",
        "relion.postprocess": "PostProcess",
        "relion.external": "External",
    }
    for label, keys in RELIONS_KEYS.items():
        assert found[label].options.keys() - {"qsub_extra1", "qsub_extra2"} == keys, label


@pytest.mark.parametrize(
    ("label", "kind"),
    [("relion.refine3d.tomo.helical", REFINE3D), ("relion.refine3d", REFINE3D), ("relion.pseudosubtomo", EXTRACT)],
)
def test_a_type_is_found_by_its_label(label, kind):
    assert type_labelled(label) is kind


@pytest.mark.parametrize("label", ["", "relion", "relion.class3d", "relion.pseudosubtomography", "extract"])
def test_other_types_are_not_known(label):
    assert type_labelled(label) is None


@pytest.mark.parametrize("word", JOBS)
def test_these_jobs_can_be_started(word):
    assert launch_problems(JOBS[word]) == []
    assert type_of(JOBS[word]).word == word


# --- command lines ----------------------------------------------------------------------------------------------------


def test_the_command_of_an_extraction():
    job = Extract(in_optimisation=SET, binning=1.5, box_size=192, crop_size=96, max_dose=50, min_frames=2, nr_threads=4)
    assert told(job, "Extract/job012/") == (
        f"--i {SET} --o Extract/job012/ --b 192 --crop 96 --bin 1.5 --max_dose 50 --min_frames 2 --stack2d --float16 "
        "--j 4 --pipeline_control Extract/job012/"
    )
    assert EXTRACT.module(job) == ("halfmap.commands", "extract")


def test_what_an_extraction_does_not_say_is_left_out():
    job = Extract(in_optimisation=SET, do_stack2d=False, do_float16=False, min_frames=0)
    assert told(job, "D/") == f"--i {SET} --o D/ --b 128 --bin 1 --j 1 --pipeline_control D/"


def test_direct_entries_are_told_one_by_one():
    job = Extract(use_direct_entries=True, in_particles="p.star", in_tomograms="t.star", in_trajectories="m.star")
    assert told(job, "D/").startswith("--p p.star --t t.star --mot m.star --o D/ ")
    assert input_files(job)[:2] == [
        ("in_particles", "p.star", "ParticleGroupMetadata.star.relion"),
        ("in_tomograms", "t.star", "TomogramGroupMetadata.star.relion"),
    ]


def test_an_optimisation_set_in_the_place_of_particles_is_called_one():
    assert [kind for _, _, kind in input_files(JOBS["center"])] == [
        "TomoOptimisationSet.star.relion", "DensityMap.mrc", "Mask3D.mrc"
    ]  # fmt: skip


def test_the_command_of_a_reconstruction_is_relions():
    job = Reconstruct(
        in_optimisation=SET, binning=2, box_size=256, crop_size=128, snr=0.00005, sym_name="C6", nr_threads=8
    )
    assert told(job, "Reconstruct/job013/") == (
        f"--i {SET} --o Reconstruct/job013/ --b 256 --crop 128 --bin 2 --SNR 5e-05 --j 8 --j_out 8 --j_in 1 --sym C6 "
        "--pipeline_control Reconstruct/job013/"
    )


def test_the_command_of_a_post_processing():
    job = PostProcess(fn_in="r/half1.mrc", fn_mask="m.mrc", angpix=1.35)
    assert told(job, "PostProcess/job014/") == (
        "--mask m.mrc --i r/half1.mrc --o PostProcess/job014/postprocess --angpix 1.35 --auto_bfac --autob_lowres 10 "
        "--pipeline_control PostProcess/job014/"
    )
    own = job.model_copy(update={"do_auto_bfac": False, "do_adhoc_bfac": True, "do_skip_fsc_weighting": True})
    own = own.model_copy(update={"fn_mtf": "mtf.star", "angpix": -1.0})
    assert told(own, "D/") == (
        "--mask m.mrc --i r/half1.mrc --o D/postprocess --mtf mtf.star --mtf_angpix 1 --adhoc_bfac -1000 "
        "--skip_fsc_weighting --low_pass 5 --pipeline_control D/"
    )


def test_the_command_of_a_centring():
    job = External(in_3dref="r.mrc", in_mask="m.mrc", in_part=SET, param1_label="radius", param1_value="40")
    job = job.model_copy(update={"param3_label": "verbose"})
    assert told(job, "External/job015/") == (
        f"--map r.mrc --mask m.mrc --i {SET} --o External/job015/ --radius 40 --verbose "
        "--pipeline_control External/job015/"
    )
    assert EXTERNAL.module(job) == ("halfmap.commands", "center")


def test_verbs_that_leave_no_markers_are_not_asked_for_them():
    job = External(fn_exe="halfmap star center", in_part="p.star", param1_label="center_Z", param1_value="-3")
    assert told(job, "D/") == "--i p.star --o D/particles.star --center_Z -3"
    assert EXTERNAL.module(job) == ("halfmap.commands", "star", "center")


@pytest.mark.parametrize(
    "executable",
    ["", "halfmap", "center", "halfmap refine", "halfmap daemon stop", "sh -c true", "/bin/halfmap center",
     "halfmap center; rm -r x", "halfmap center && true", "`halfmap center`"],
)  # fmt: skip
def test_nothing_but_halfmaps_own_verbs_is_started(executable):
    job = JOBS["center"].model_copy(update={"fn_exe": executable})
    assert "only halfmap's own programs" in messages(job)


def test_every_word_stays_one_word_whatever_is_in_it():
    job = External(
        in_3dref="a b.mrc", in_mask="$(x).mrc", in_part="p'q.star", param1_label="x", param1_value="; rm -r /"
    )
    assert argument_words(job, "D/")[:8] == ["--map", "a b.mrc", "--mask", "$(x).mrc", "--i", "p'q.star", "--o", "D/"]
    assert argument_words(job, "D/")[8:10] == ["--x", "; rm -r /"]


def test_additional_arguments_are_added_and_must_not_contradict():
    job = Extract(in_optimisation=SET, other_args="--no_ic --cutoff_fract '0.02'")
    assert "--j 1 --no_ic --cutoff_fract 0.02 --pipeline_control D/" in told(job, "D/")
    for other in ("--b 64", "--pipeline_control elsewhere/", "'"):
        with pytest.raises(ArgumentError, match="other_args"):
            argument_words(job.model_copy(update={"other_args": other}), "D/")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Extract(), "name an optimisation set"),
        (Extract(in_particles="p.star"), "or set use_direct_entries to Yes"),
        (Extract(use_direct_entries=True), "name the STAR file of the tomograms"),
        (Extract(use_direct_entries=True, in_optimisation=SET), "although direct entries are used"),
        (Extract(in_optimisation=SET, box_size=33), "(box_size) is 33; give an even number"),
        (Extract(in_optimisation=SET, crop_size=256), "more than the box of 128 px"),
        (Extract(in_optimisation=SET, binning=0), "(binning) is 0; give a number above 0"),
        (Extract(in_optimisation=SET, other_args="> log"), "holds a >"),
        (Reconstruct(in_optimisation=SET, do_helix=True), "helices are not reconstructed"),
        (Reconstruct(in_optimisation=SET, sym_name="Q5"), "(sym_name) is 'Q5'"),
        (Reconstruct(in_optimisation="a\nb"), "line break"),
        (PostProcess(), "name an unfiltered half map"),
        (PostProcess(fn_in="half1/map.mrc", fn_mask="m.mrc"), "must hold half1 or half2"),
        (PostProcess(fn_in="half1.mrc"), "name a solvent mask"),
        (PostProcess(fn_in="half1.mrc", fn_mask="m.mrc", do_adhoc_bfac=True), "set one of"),
        (External(in_3dref="r.mrc", in_mask="m.mrc"), "(in_part) is empty; halfmap center needs it"),
        (External(fn_exe="halfmap split", in_part=SET, in_mask="m"), "halfmap split does not take"),
        (JOBS["center"].model_copy(update={"in_mov": "x"}), "take no such file"),
        (JOBS["center"].model_copy(update={"param1_label": "o"}), "the job says by itself"),
        (JOBS["center"].model_copy(update={"param1_label": "--x"}), "without its dashes"),
        (JOBS["center"].model_copy(update={"param2_value": "3"}), "its value is 3"),
    ],
)
def test_what_cannot_be_run_is_told(job, words):
    assert words in messages(job)


def test_halfmaps_programs_are_one_process_each():
    job = Extract(in_optimisation=SET, nr_mpi=3, nr_threads=4)
    assert problems(job) == []
    assert "set it to 1, and nr_threads to 12" in launch_problems(job)[0]
    assert "half1" in launch_problems(PostProcess(fn_in="half2.mrc", fn_mask="m.mrc"))[0]
    assert "give 1 or more" in launch_problems(Reconstruct(in_optimisation=SET, binning=0.5))[0]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", JOBS)
def test_a_job_survives_its_file(tmp_path, word):
    write_job_star(JOBS[word], tmp_path / "job.star")
    found = read_any_job_star(tmp_path / "job.star")
    assert found.job == JOBS[word]
    assert type_of(found.job).word == word
    assert (found.unknown_keys, found.unreadable, found.problems()) == ((), (), [])


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_any_options_survive_their_texts(data):
    kind = data.draw(st.sampled_from(JOB_TYPES))
    drawn = {
        "switch": st.booleans(),
        "whole number": st.integers(-999, 999),
        "number": st.floats(-1e6, 1e6),
        "text": st.text("abc /_\"'", max_size=5),
    }
    job = kind.form.model_validate({key: data.draw(drawn[option.kind]) for key, option in kind.options.items()})
    assert job_from_texts(kind, texts_of(job)) == (job, [])
    text = job_star_text(job)
    assert re.search(rf"_rlnJobTypeLabel +{re.escape(kind.label)}", text)


def test_a_file_that_relion_wrote_is_read(tmp_path):
    (tmp_path / "job.star").write_text(
        "\n# version 50001\n\ndata_job\n\n_rlnJobTypeLabel             relion.postprocess\n_rlnJobIsContinue      0\n"
        "_rlnJobIsTomo                           1\n \n\n# version 50001\n\ndata_joboptions_values\n\nloop_ \n"
        "_rlnJobOptionVariable #1 \n_rlnJobOptionValue #2 \nadhoc_bfac      -1000 \n    angpix         -1 \n"
        'do_auto_bfac         No \n     fn_in Reconstruct/job025/half1.mrc \n   fn_mask mask_fsc.mrc \n fn_mtf "" \n \n'
    )
    job = read_any_job_star(tmp_path / "job.star").job
    assert told(job, "D/") == (
        "--mask mask_fsc.mrc --i Reconstruct/job025/half1.mrc --o D/postprocess --pipeline_control D/"
    )
    with pytest.raises(JobStarError, match=r"must be a relion\.refine3d\.tomo job"):
        read_job_star(tmp_path / "job.star")


def test_the_flags_that_options_name_are_those_of_the_command():
    rich = {
        "relion.pseudosubtomo": Extract(in_optimisation=SET, crop_size=64, max_dose=9),
        "relion.reconstructparticletomo": Reconstruct(in_optimisation=SET, crop_size=64, snr=1e-5),
    }
    for label, job in rich.items():
        kind = type_of(job)
        assert kind.label == label
        words = argument_words(job, "D/")
        direct = {"in_particles", "in_tomograms", "in_trajectories"}
        missing = {flag for key, one in kind.options.items() if key not in direct for flag in one.declaration.flags} - {
            *words
        }
        assert missing == set()


def test_what_a_job_makes_is_named_as_relion_names_it():
    made = {
        (one.file, one.node_type, one.depth) for kind in (EXTRACT, RECONSTRUCT, POSTPROCESS) for one in kind.outputs
    }
    # from the list of jobs of a project that RELION 5.0 has run
    assert made >= {
        ("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.extract", 1),
        ("particles.star", "ParticleGroupMetadata.star.relion.tomo.extract", 1),
        ("merged.mrc", "DensityMap.mrc.relion.tomo.map.reconstruct", 1),
        ("half1.mrc", "DensityMap.mrc.relion.tomo.halfmap.reconstruct", 99),
        ("postprocess.mrc", "DensityMap.mrc.relion.postprocess", 1),
        ("postprocess_masked.mrc", "DensityMap.mrc.relion.postprocess.masked", 1),
        ("postprocess.star", "ProcessData.star.relion.postprocess", 1),
    }


def test_every_verb_of_an_external_job_knows_where_its_files_go():
    for verb, told_how in VERBS.items():
        job = External(
            fn_exe=f"halfmap {verb}",
            in_3dref="r.mrc" if told_how.map else "",
            in_mask="m.mrc" if told_how.mask else "",
            in_part="p.star" if told_how.particles else "",
        )
        assert problems(job) == []
        assert argument_words(job, "D/")[-1] in ("D/", f"D/{told_how.output}")
