"""A ladder file to begin with."""

EXAMPLE = """\
# A ladder of binnings: halfmap ladder ladder.toml --plan tells what it does, halfmap ladder ladder.toml does it.
# Files are named relative to the project.

# what to start from: an optimisation set, or the files one by one
optimisation_set = "Extract/job001/optimisation_set.star"
# particles = "picks.star"
# tomograms = "tomograms.star"

# extract: the particles are positions, cut out at the first binning; refine: they were extracted there already
first_step = "extract"

# a map to start from; without it the first rung reconstructs one with the poses that the particles came with
reference = "Reference/reference.mrc"
first_low_pass = 60          # Å
mask = "Mask/mask.mrc"       # without a mask nothing is centred and nothing post-processed

symmetry = "C1"
mask_diameter = 230          # Å
# sigma_tilt = 10            # degrees, prior on tilt at the first rung, for particles on membranes

binnings = [4, 2, 1]
box_px = 384                 # box of the particles, in pixels of the tilt series; or box_angstrom
extraction_margin = 2.0      # box in which the CTF is applied, over that
centre = true                # on the mask, between two rungs
sharpen = true               # post-process the maps of each rung

# the ladder ends at a rung that came to less than this many times the resolution its pixels allow; 0: never
stop_below_nyquist = 1.5

ranks = 3
threads = 4
# gpu = true
# cards = 2
# place = "slurm:gpu"

# options of the jobs, by their names in job.star: at every rung …
[refine]
nr_pool = 3

# … or at one
[bin.1.refine]
auto_faster = true
"""
