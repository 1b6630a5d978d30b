"""Captions of everyday scenes, written for this purpose: what the parser's search is made fast for."""

from typing import Final

_CAPTIONS: Final = """
a man is riding a wave on a surfboard in the ocean
a woman sitting at a table with a plate of food
two dogs are playing with a frisbee in the grass
a black and white cat is lying on top of a bed
a group of people standing around a kitchen
the train is parked at the station next to the platform
a small child holding a toothbrush in his mouth
a large brown bear walking through a forest
a bathroom with a toilet , a sink and a mirror
several people are flying kites on the beach
a red bus driving down a city street
a young boy swinging a baseball bat at a ball
a pizza with cheese and vegetables on a wooden table
the giraffe is eating leaves from a tall tree
a street sign in front of a tall building
a herd of sheep grazing in a green field
a laptop computer sitting on a desk beside a lamp
a person on skis going down a snowy hill
a vase filled with flowers on a window sill
a man in a suit and tie is talking on a cell phone
the chair is to the left of the table
there is a book under the lamp
a bird is standing on the back of an elephant
a girl with long hair is wearing a blue shirt
an airplane flying in the sky above the clouds
a bowl of fruit with bananas and oranges
a motorcycle parked on the side of the road
a tennis player hits the ball with a racket
a couple of horses standing behind a fence
a living room with a couch and a television
a man and a woman are cutting a cake
a boat is floating on the water near the shore
a close up of a sandwich and french fries
a clock mounted on the side of a brick wall
three zebras are standing next to each other
a little girl is eating a donut with sprinkles
a truck that is driving on a dirt road
a kitchen with white cabinets and a stove
people walking across the street in the rain
a skateboarder doing a trick on a ramp
the cat is sleeping on the keyboard in front of the computer
a picture of a stop sign with graffiti on it
a white refrigerator freezer sitting inside of a kitchen
an old woman is holding an umbrella over her head
a fire hydrant on the sidewalk near some cars
a teddy bear sitting on a wooden chair
a man throwing a frisbee to his dog in a park
some people are sitting on a bench looking at the sea
a glass of wine and a plate with meat and broccoli
a view of a city at night from a window
the boy is to the right of the man
a cow standing in the middle of a street
there are many boats in the harbor
a dog wearing a hat is looking out of a car
a man standing on a tennis court holding a racquet
a baby elephant walks between two large elephants
a bunch of ripe apples hanging from a tree
a traffic light above a busy intersection
two women pose for a picture while holding their phones
a bed with a white blanket and two pillows
a cell phone and a remote control on the floor
a giraffe bends its head down to drink water
a desk with a monitor , a mouse and a cup of coffee
a snowboarder jumps high into the air
the shelf above the sofa is full of books
a plate topped with rice , beans and chicken
a surfer walks along the beach carrying his board
a man riding on the back of a brown horse
a passenger plane is landing on the runway
a child in a red jacket is playing in the snow
"""

SENTENCES: Final = [line.split() for line in _CAPTIONS.strip().splitlines()]
