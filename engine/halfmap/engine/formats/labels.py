"""RELION's names for columns of particle, tomogram and tilt-series files, and of curves.

Those that only a run's own files have stand with the tables in `model_star`, `optimiser_star` and `sampling_star`;
those of a post-processing alone in `postprocessing.files`.
"""

# optimisation set
PARTICLES_FILE = "rlnTomoParticlesFile"
TOMOGRAMS_FILE = "rlnTomoTomogramsFile"
TRAJECTORIES_FILE = "rlnTomoTrajectoriesFile"
REFERENCE_MAP_FILES = ("rlnTomoReferenceMap1File", "rlnTomoReferenceMap2File")
REFERENCE_MASK_FILE = "rlnTomoReferenceMaskFile"
REFERENCE_FSC_FILE = "rlnTomoReferenceFscFile"

# particles: general and optics tables
ARE_2D_STACKS = "rlnTomoSubTomosAre2DStacks"
OPTICS_GROUP = "rlnOpticsGroup"
OPTICS_GROUP_NAME = "rlnOpticsGroupName"
VOLTAGE = "rlnVoltage"
SPHERICAL_ABERRATION = "rlnSphericalAberration"
AMPLITUDE_CONTRAST = "rlnAmplitudeContrast"
TILT_SERIES_PIXEL_SIZE = "rlnTomoTiltSeriesPixelSize"
CTF_PREMULTIPLIED = "rlnCtfDataAreCtfPremultiplied"
IMAGE_DIMENSIONALITY = "rlnImageDimensionality"
BINNING = "rlnTomoSubtomogramBinning"
IMAGE_PIXEL_SIZE = "rlnImagePixelSize"
IMAGE_SIZE = "rlnImageSize"
# corrections that RELION can apply and this engine cannot yet: refused when set
HIGHER_ORDER_OPTICS = (
    "rlnEvenZernike",
    "rlnOddZernike",
    "rlnBeamTiltX",
    "rlnBeamTiltY",
    "rlnMagMat00",
    "rlnMagMat01",
    "rlnMagMat10",
    "rlnMagMat11",
)

# particles
TOMO_NAME = "rlnTomoName"
PARTICLE_NAME = "rlnTomoParticleName"
IMAGE_NAME = "rlnImageName"
VISIBLE_FRAMES = "rlnTomoVisibleFrames"
CTF_IMAGE = "rlnCtfImage"
CENTERED_COORDINATES = ("rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst")
COORDINATES = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
SUBTOMOGRAM_ANGLES = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
ANGLE_PRIORS = ("rlnAngleRotPrior", "rlnAngleTiltPrior", "rlnAnglePsiPrior")
ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
ORIGIN_PRIORS = ("rlnOriginXPriorAngst", "rlnOriginYPriorAngst", "rlnOriginZPriorAngst")
GROUP_NAME = "rlnGroupName"
GROUP_NUMBER = "rlnGroupNumber"
RANDOM_SUBSET = "rlnRandomSubset"
CLASS_NUMBER = "rlnClassNumber"
HELICAL_TUBE_ID = "rlnHelicalTubeID"
MANIFOLD_INDEX = "rlnTomoManifoldIndex"
NORM_CORRECTION = "rlnNormCorrection"
LOG_LIKELIHOOD_CONTRIBUTION = "rlnLogLikeliContribution"
MAX_PROBABILITY = "rlnMaxValueProbDistribution"
SIGNIFICANT_SAMPLES = "rlnNrOfSignificantSamples"

# tomograms and tilt series
TILT_SERIES_FILE = "rlnTomoTiltSeriesStarFile"
TILT_SERIES_STACK = "rlnTomoTiltSeriesName"
FRAME_COUNT = "rlnTomoFrameCount"
MICROGRAPH_NAME = "rlnMicrographName"
HAND = "rlnTomoHand"
TOMO_SIZE = ("rlnTomoSizeX", "rlnTomoSizeY", "rlnTomoSizeZ")
DEFOCUS_SLOPE = "rlnTomoDefocusSlope"
BFACTOR_PER_DOSE = "rlnCtfBfactorPerElectronDose"
PRE_EXPOSURE = "rlnMicrographPreExposure"
X_TILT = "rlnTomoXTilt"
Y_TILT = "rlnTomoYTilt"
Z_ROTATION = "rlnTomoZRot"
X_SHIFT = "rlnTomoXShiftAngst"
Y_SHIFT = "rlnTomoYShiftAngst"
DEFOCUS_U = "rlnDefocusU"
DEFOCUS_V = "rlnDefocusV"
DEFOCUS_ANGLE = "rlnDefocusAngle"
CTF_SCALE = "rlnCtfScalefactor"
PHASE_SHIFT = "rlnPhaseShift"
DEFORMATION = "rlnTomoDeformation"  # how names of several begin
PROJECTION_ROWS = ("rlnTomoProjX", "rlnTomoProjY", "rlnTomoProjZ", "rlnTomoProjW")

# curves of model.star and of a post-processing
REFERENCE_IMAGE = "rlnReferenceImage"
SIGMA2_NOISE = "rlnSigma2Noise"
# not RELION's: of noise that was not multiplied by the CTF
SIGMA2_NOISE_ALONE = "halfmapSigma2NoiseWithoutCtf"
SIGMA_OFFSETS = "rlnSigmaOffsetsAngst"
SPECTRAL_INDEX = "rlnSpectralIndex"
RESOLUTION = "rlnResolution"  # in 1/Å
ANGSTROM_RESOLUTION = "rlnAngstromResolution"
SSNR = "rlnSsnrMap"
FSC = "rlnGoldStandardFsc"
CORRECTED_FSC = "rlnFourierShellCorrelationCorrected"
REFERENCE_SIGMA2 = "rlnReferenceSigma2"
REFERENCE_TAU2 = "rlnReferenceTau2"
COVERAGE = "rlnFourierCompleteness"
GROUP_SCALE = "rlnGroupScaleCorrection"
ORIENTATION_DISTRIBUTION = "rlnOrientationDistribution"
AVERAGE_PMAX = "rlnAveragePmax"

# text columns: never read as numbers, whatever they look like
TEXT = frozenset(
    {
        TOMO_NAME,
        PARTICLE_NAME,
        IMAGE_NAME,
        CTF_IMAGE,
        GROUP_NAME,
        OPTICS_GROUP_NAME,
        VISIBLE_FRAMES,
        PARTICLES_FILE,
        TOMOGRAMS_FILE,
        TRAJECTORIES_FILE,
        *REFERENCE_MAP_FILES,
        REFERENCE_MASK_FILE,
        REFERENCE_FSC_FILE,
        TILT_SERIES_FILE,
        REFERENCE_IMAGE,
        *HIGHER_ORDER_OPTICS[:2],
        *PROJECTION_ROWS,
    }
)
