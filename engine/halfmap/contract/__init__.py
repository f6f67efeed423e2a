"""What the engine promises to whoever launches it: options, command line, job files, progress records, exit codes.

Everything here is light (standard library and pydantic), because a daemon or a terminal imports it without doing any
refinement. Nothing here computes; the modules only say what may be asked, how it is spelled, and what comes back.

======================  ==========================================================================================
``option``              how one option is declared
``job_types``           the types of job that can be queued, each with its form (``…_form``) and its program
``refine3d``            the options of the Refine3D job form, with their problems (declared in ``refine3d_…_tabs``)
``refine_arguments``    the options of the engine program, with their problems (declared in ``refine_…_flags``)
``command_line``        those options as an argument list, and back
``conversion``          from the form to the program
``job_star``            the forms as RELION's ``job.star``
``job_directory``       names of the files in a job folder
``progress``            what the engine tells while it runs
``exit_codes``          what the engine tells when it ends
======================  ==========================================================================================
"""
